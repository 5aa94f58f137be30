import type { Context } from '../effects/context.ts'
import * as Source from './source.ts'

const atOnce = 100

/** Sends one message for each source that is due, to the queue of its cloud. */
export async function run(ctx: Context, isOutOfTime: () => boolean): Promise<{ sent: number }> {
  const { sources } = ctx.tables
  let sent = 0
  while (!isOutOfTime()) {
    const now = ctx.now().toISOString()
    const due = await sources.due(now, atOnce)
    const isDue = ({ dueAt }: Source.Info) => dueAt !== undefined && dueAt <= now
    const requested = await Promise.all(
      due.map(async ({ orgId, item }) => await Source.request({ ...ctx, orgId }, item.id, isDue)),
    )
    const count = requested.filter((source) => source !== undefined).length
    sent += count
    // The index may still show sources that were sent just now.
    if (due.length < atOnce || count === 0) break
  }
  if (sent > 0) ctx.log.info('collections were requested', { count: sent })
  return { sent }
}
