import type { Context } from '../effects/context.ts'
import { isEvent, publish } from '../effects/relay.ts'
import * as Audit from './audit.ts'

// The process that wrote the row publishes its events at once: younger ones are its own affair.
const waitedMs = 60_000

/**
 * Publishes the events, and writes down the audit traces, that their process left behind. Where one row fails it goes on with the others, and throws at the
 * end: the next sweep tries again. Answers how many rows it went through.
 */
export async function sweep(ctx: Context, isOutOfTime: () => boolean = () => false): Promise<number> {
  const before = new Date(ctx.now().getTime() - waitedMs).toISOString()
  let [rows, failed] = [0, 0]
  for await (const row of ctx.runtime.outbox.pending(before)) {
    if (isOutOfTime()) break
    rows++
    try {
      if (row.events.length === 0 || row.events.some(isEvent)) await publish(ctx.runtime, row)
      await Audit.settleTraces(ctx, row)
    } catch (error) {
      failed++
      ctx.log.error('the events of a row could not be published', { noun: row.noun, eventId: row.events[0]?.id, error })
    }
  }
  if (failed > 0) throw new Error(`the events of ${failed} of ${rows} rows could not be published: the log says why`)
  return rows
}
