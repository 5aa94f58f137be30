import type { Context } from '../effects/context.ts'
import * as Source from './source.ts'

const atOnce = 100

/** Sends one message for each source that is due, to the queue of its cloud. Throws at the end if one was not sent. */
export async function run(ctx: Context, isOutOfTime: () => boolean): Promise<{ sent: number }> {
  const { sources } = ctx.tables
  let sent = 0
  const failed = new Set<string>()
  while (!isOutOfTime()) {
    const now = ctx.now().toISOString()
    const due = await sources.due(now, atOnce + failed.size)
    const isDue = ({ dueAt }: Source.Info) => dueAt !== undefined && dueAt <= now
    const requested = due.map(async ({ orgId, item: { id } }) => {
      try {
        return await Source.request({ ...ctx, orgId }, id, isDue)
      } catch (error) {
        failed.add(id)
        ctx.log.error('a collection was not requested', { orgId, sourceId: id, error })
        return undefined
      }
    })
    const count = (await Promise.all(requested)).filter((source) => source !== undefined).length
    sent += count
    if (due.length < atOnce || count === 0) break
  }
  if (sent > 0) ctx.log.info('collections were requested', { count: sent })
  if (failed.size > 0) throw new Error(`${failed.size} collections were not requested: the log says why`)
  return { sent }
}
