import type { Retrier } from './definition.ts'
import { matches, StateError } from './error.ts'
import { type Entry, type Place, type Run, sleepUntil } from './run.ts'

/** Journals each retry before its wait, and the final error. */
export async function withRetries(
  run: Run,
  { Retry }: { Retry: Retrier[] },
  at: Place,
  attempt: (at: Place, retries: number[], left: Entry | undefined) => Promise<unknown>,
): Promise<unknown> {
  let left = run.journal.read(at.path)
  if (left?.status === 'done') return left.output
  if (left?.status === 'failed' && left.error) throw new StateError(left.error.Error, left.error.Cause)
  if (left?.status === 'retrying') await sleepUntil(left.until ?? 0, at.signal)
  for (let retries = left?.retries ?? Retry.map(() => 0); ; left = undefined) {
    try {
      const RetryCount = retries.reduce((sum, count) => sum + count, 0)
      const context = { ...at.context, State: { ...at.context.State, RetryCount } }
      return await attempt({ ...at, context, path: `${at.path}.${RetryCount}` }, retries, left)
    } catch (error) {
      if (!(error instanceof StateError)) throw error
      at.signal.throwIfAborted()
      const next = decide(Retry, retries, error)
      if (!next) await run.journal.write(at.path, { status: 'failed', error: error.output })
      if (!next) throw error
      const until = Date.now() + next.delayMs
      await run.journal.write(at.path, { status: 'retrying', retries: next.retries, until })
      await sleepUntil(until, at.signal)
      retries = next.retries
    }
  }
}

function decide(
  retriers: Retrier[],
  retries: number[],
  error: StateError,
): { retries: number[]; delayMs: number } | undefined {
  const index = retriers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error))
  const [retrier, count] = [retriers[index], retries[index] ?? 0]
  if (!retrier || count >= retrier.MaxAttempts) return undefined
  const seconds = Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** count, retrier.MaxDelaySeconds)
  const jitter = retrier.JitterStrategy === 'FULL' ? Math.random() : 1
  return { retries: retries.with(index, count + 1), delayMs: Math.round(seconds * 1000 * jitter) }
}
