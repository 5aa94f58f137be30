import type { Context } from '../effects/context.ts'
import { isEvent, publish } from '../effects/relay.ts'
import * as Audit from './audit.ts'

// Younger rows are published by the process that wrote them.
const waitedMs = 60_000

/** Of killed processes; throws at the end if a row failed. */
export async function sweep(ctx: Context, isOutOfTime: () => boolean = () => false): Promise<number> {
  const before = new Date(ctx.now().getTime() - waitedMs).toISOString()
  let [rows, failed] = [0, 0]
  for await (const row of ctx.runtime.outbox.pending(before)) {
    if (isOutOfTime()) break
    rows++
    try {
      if (row.events.length === 0 || row.events.some(isEvent)) await publish(ctx.runtime, row)
      await Audit.closeTracesOf(ctx, row)
    } catch (error) {
      failed++
      ctx.log.error('events of a row were not published', { noun: row.noun, eventId: row.events[0]?.id, error })
    }
  }
  if (failed > 0) throw new Error(`the events of ${failed} of ${rows} rows were not published; see the log`)
  return rows
}
