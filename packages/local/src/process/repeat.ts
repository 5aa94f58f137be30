import type { Log } from '@cloudoptima/core'

export interface Repeated {
  /** Settles when the first time is over, well or not. */
  first: Promise<void>
  stop(): Promise<void>
}

/** Does something now and then again and again, each time after the last has ended. Its failure is logged: the next time is its next try. */
export function repeat(what: string, everyMs: number, log: Log, run: () => Promise<unknown>): Repeated {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    try {
      await run()
    } catch (error) {
      log.error('a chore failed', { operation: what, error })
    }
    if (!stopped) timer = setTimeout(again, everyMs).unref()
  }
  const again = () => {
    running = round()
  }
  let running = round()
  return {
    first: running,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
