import type { Product } from '../product.ts'

/** What Ctrl-C does: once it ends cleanly, twice at once. */
export interface Interrupt {
  /** From now on the product only serves; settles at the first Ctrl-C. */
  serving(): Promise<void>
  dispose(): void
}

const interrupted = 130

/** Until the product only serves, the first Ctrl-C cuts an import off: the next start goes on with it. */
export function onInterrupt(product: Product): Interrupt {
  let isServing = false
  let times = 0
  let request: () => void = () => undefined
  const requested = new Promise<void>((resolve) => (request = resolve))
  const onSignal = () => {
    times++
    if (times > 1) process.exit(interrupted)
    process.stderr.write('\nEnding; Ctrl-C again ends at once.\n')
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
