import type { Measurement } from '../kernel/resource.ts'
import type { Context } from '../effects/context.ts'
import { addDays, dayOf } from '../kernel/calendar.ts'
import { keyOfKind } from '../kernel/partition.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { Found, Given } from './collection.ts'
import { currentOf } from './inventory.ts'
import { landRows } from './rows.ts'
import type * as Source from './source.ts'

// The last hours of a day arrive in the next.
const lateHours = 3
// What the rules look at, and today: clouds keep more, also of the time before the account was connected.
const mostDays = 15
// So that a metric that never answers does not cost the calls of a week each hour.
const mostAttempts = 12
const silent = new Set<Source.Problem['state']>(['unavailable', 'throttled'])

/** Merges the hourly values of each day since the last success; a value that was not read again stays. */
export async function collectUtilization(ctx: Context, { source, syncId, access, problems }: Given): Promise<Found> {
  const { provider, accountId } = source
  const inventory = await currentOf(ctx, source)
  // The first inventory comes at the same time as the first look.
  if (!inventory) return { isNew: false, rows: 0, imports: [], isTooEarly: true }
  const files = Snapshot.filesOf(ctx.orgId, { lakeVersion: 0, at: '', excluded: [], snapshots: [inventory] })
  const rows = await ctx.runtime.lake.query('measurable', files, {})
  const resources = rows.map(({ configuration, type, ...row }) => ({
    ...row,
    ...(type !== null && { type }),
    configuration: JSON.parse(configuration),
  }))
  const unreadDays: Record<string, number> = {}
  const found: Found = { isNew: false, rows: 0, imports: [], unreadDays }
  for (const day of daysOf(ctx.now(), source.lastSuccessAt, Object.keys(source.unreadDays ?? {}))) {
    const earlier = problems.length
    const takenAt = ctx.now().toISOString()
    const partition = keyOfKind('utilization', provider, accountId, day)
    const current = await Snapshot.pointersOf(ctx, 'utilization').get(ctx.orgId, partition)
    const measured = ctx.runtime.clouds[provider].utilization(access, { day, resources })
    const landed = await landRows(ctx, {
      syncId,
      cloudAccountId: source.cloudAccountId,
      facts: { kind: 'utilization', provider, accountId, takenAt, day },
      current: current?.kind === 'utilization' && Snapshot.isVisible(current) ? current : undefined,
      rows: rowsOf(measured, source),
    })
    found.isNew ||= landed.isNew
    found.rows += landed.rows
    // The looks of the day itself read it anyway.
    const attempts = day === dayOf(ctx.now()) ? 0 : (source.unreadDays?.[day] ?? 0) + 1
    const isUnread = problems.slice(earlier).some(({ state }) => silent.has(state))
    if (isUnread && attempts < mostAttempts) unreadDays[day] = attempts
  }
  return found
}

/** The oldest first. */
export function daysOf(now: Date, lastSuccessAt: string | undefined, unread: readonly string[] = []): string[] {
  const today = dayOf(now)
  const yesterday = addDays(today, -1)
  const since = lastSuccessAt?.slice(0, 10) ?? ''
  const first = now.getUTCHours() < lateHours && since > yesterday ? yesterday : since
  return Array.from({ length: mostDays }, (_, index) => addDays(today, index + 1 - mostDays)).filter(
    (day) => day >= first || unread.includes(day),
  )
}

async function* rowsOf(measured: AsyncIterable<Measurement[]>, { provider, accountId }: Source.Info) {
  for await (const values of measured) for (const value of values) yield { provider, accountId, ...value }
}
