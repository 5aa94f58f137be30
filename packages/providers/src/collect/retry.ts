import { setTimeout as sleep } from 'node:timers/promises'

const mostRetries = 3

/** Repeats `work` at most 3 times with full jitter, as long as `isPassing` says that its error may pass. */
export async function retried<Result>(
  work: () => Promise<Result>,
  isPassing: (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<Result> {
  for (let retry = 0; ; retry++) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (retry === mostRetries || signal.aborted || !isPassing(error)) throw error
    }
    await sleep(Math.random() * 200 * 2 ** retry, undefined, { signal })
  }
}
