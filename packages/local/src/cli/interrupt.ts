import { type Context, Fault, Import } from '@cloudoptima/core'
import type { Product } from '../product.ts'
import { note } from './output.ts'

export interface Interrupt {
  /** Runs an import that Ctrl-C cancels; rejects after a cancellation. */
  during<Result>(ctx: Context, id: string, work: () => Promise<Result>): Promise<Result>
  /** Aborted when Ctrl-C cancels an import or ends the start. */
  signal: AbortSignal
  /** Resolves when the canceled import has left nothing. */
  canceled(): Promise<void>
  /** Resolves at the first Ctrl-C while the product only serves requests. */
  serving(): Promise<void>
  dispose(): void
}

export const interrupted = 130

/** The first Ctrl-C cancels the import, or ends the service; the second one ends the process at once. */
export function onInterrupt(product: Product): Interrupt {
  const canceling = new AbortController()
  const request = Promise.withResolvers<void>()
  let current: { ctx: Context; id: string } | undefined
  let canceled: { ctx: Context; id: string; isStopped: Promise<boolean> } | undefined
  let isServing = false
  let times = 0
  const onSignal = (signal: NodeJS.Signals) => {
    times++
    if (times > 1) process.exit(interrupted)
    const isImport = signal === 'SIGINT' && current !== undefined
    note(`\n${isImport ? 'Canceling the import' : 'Ending'}. Press Ctrl-C again to end at once.`)
    if (isServing) request.resolve()
    else if (current && isImport) {
      canceled = { ...current, isStopped: stop(current.ctx, current.id) }
      canceling.abort()
    } else {
      canceling.abort()
      void product.close().finally(() => process.exit(interrupted))
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    async during(ctx, id, work) {
      current = { ctx, id }
      const result = await work().finally(() => (current = undefined))
      canceling.signal.throwIfAborted()
      return result
    },
    signal: canceling.signal,
    async canceled() {
      if (!canceled || !(await canceled.isStopped)) return
      await Import.removeCanceled(canceled.ctx, canceled.id)
      note('The import was canceled: nothing of it is visible.')
    },
    serving: () => {
      isServing = true
      return request.promise
    },
    dispose: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** False if it is too late. */
async function stop(ctx: Context, id: string) {
  try {
    await Import.cancel(ctx, id)
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    note(error.message)
    return false
  }
}
