import type { Product } from '../product.ts'
import { note } from './output.ts'

export interface Interrupt {
  /** Resolves at the first Ctrl-C while the product only serves requests. */
  serving(): Promise<void>
  dispose(): void
}

const interrupted = 130

/** Before `serving` is called, the first Ctrl-C interrupts the import. The next start resumes it. */
export function onInterrupt(product: Product): Interrupt {
  let isServing = false
  let times = 0
  let request: () => void = () => undefined
  const requested = new Promise<void>((resolve) => (request = resolve))
  const onSignal = () => {
    times++
    if (times > 1) process.exit(interrupted)
    note('\nEnding. Press Ctrl-C again to end at once.')
    if (isServing) request()
    else void product.close().finally(() => process.exit(interrupted))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    serving: () => {
      isServing = true
      return requested
    },
    dispose: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
