import type { Log } from '@cloudoptima/core'

export interface Repeated {
  first: Promise<void>
  stop(): Promise<void>
}

export function repeat(what: string, everyMs: number, log: Log, run: () => Promise<unknown>): Repeated {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    try {
      await run()
    } catch (error) {
      log.error('a job failed', { operation: what, error })
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
