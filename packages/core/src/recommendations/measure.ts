import { completeUntil, filesFor } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import { addDays, daysIn } from '../kernel/calendar.ts'
import * as Money from '../kernel/money.ts'
import type * as Snapshot from '../lake/snapshot.ts'
import { endDay } from './plan.ts'
import type { Info, Measured } from './recommendation.ts'

/** Complete days after the change: of the first figure, and of the last. */
const firstDays = 7
const lastDays = 30
const monthDays = 30
const digits = 6

/**
 * The saving that really came of a completed row: the daily cost of its resources in the 30 days before the change, less
 * that of the days after it. Undefined while too few days are known, or if nothing more is known than last time.
 */
export async function measuredOf(ctx: Context, view: Snapshot.View, row: Info): Promise<Measured | undefined> {
  const [first] = row.resources
  const currency = row.found?.saving.currency ?? first?.currency
  const known = completeUntil(view)
  if (row.status !== 'completed' || currency === undefined || known === null) return undefined
  const changed = endDay(row)
  const latest = addDays(changed, lastDays)
  const after = { start: addDays(changed, 1), end: known < latest ? known : latest }
  const days = after.end < after.start ? 0 : daysIn(after)
  const before = row.measured?.days ?? 0
  if (days < firstDays || days === before || (days < lastDays && before >= firstDays)) return undefined
  const earlier = { start: addDays(changed, -lastDays), end: addDays(changed, -1) }
  const ids = row.resources.flatMap(({ id, aliases = [] }) => [id, ...aliases].map((name) => name.toLowerCase()))
  const costs = await ctx.runtime.lake.query(
    'resourceCosts',
    filesFor(ctx.orgId, view, { start: earlier.start, end: after.end }),
    { ids, start: earlier.start, end: after.end, byDay: true },
  )
  const daily = ({ start, end }: typeof after, count: number) => {
    const own = costs.filter((one) => one.currency === currency && (one.day ?? '') >= start && (one.day ?? '') <= end)
    return Money.quotient(Money.sum(own.map(({ cost }) => Money.parse(cost))), Money.parse(String(count)), digits)
  }
  const monthly = daily(earlier, daysIn(earlier)).minus(daily(after, days)).times(monthDays)
  return { at: ctx.now().toISOString(), days, monthly: Money.plain(monthly), currency }
}
