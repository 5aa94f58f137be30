import { completeUntil, filesFor } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import * as Target from '../executions/target.ts'
import { addDays, type Day, daysIn } from '../kernel/calendar.ts'
import * as Money from '../kernel/money.ts'
import type * as Snapshot from '../lake/snapshot.ts'
import { endDay } from './plan.ts'
import type { Info, Measured } from './recommendation.ts'

/** Complete days after the change: of the first figure, and of the last. */
const firstDays = 7
export const lastDays = 30
const monthDays = 30
const digits = 6

interface Followed {
  /** Lower or upper case, with other names in bills. */
  names: readonly string[]
  currency: string
  /** The day of the change. */
  changed: Day
  /** Days that were measured last time. */
  measuredDays: number
}

/**
 * The saving that really came: the daily cost of resources in the 30 days before the change, less that of the days after
 * it, times 30. Undefined while too few days are known, or if nothing more is known than last time.
 */
export async function savedSince(ctx: Context, view: Snapshot.View, followed: Followed): Promise<Measured | undefined> {
  const { names, currency, changed, measuredDays } = followed
  const known = completeUntil(view)
  if (known === null) return undefined
  const latest = addDays(changed, lastDays)
  const after = { start: addDays(changed, 1), end: known < latest ? known : latest }
  const days = after.end < after.start ? 0 : daysIn(after)
  if (days < firstDays || days === measuredDays || (days < lastDays && measuredDays >= firstDays)) return undefined
  const earlier = { start: addDays(changed, -lastDays), end: addDays(changed, -1) }
  const costs = await ctx.runtime.lake.query(
    'resourceCosts',
    filesFor(ctx.orgId, view, { start: earlier.start, end: after.end }),
    { ids: names.map((name) => name.toLowerCase()), start: earlier.start, end: after.end, byDay: true },
  )
  const daily = ({ start, end }: typeof after, count: number) => {
    const own = costs.filter((one) => one.currency === currency && (one.day ?? '') >= start && (one.day ?? '') <= end)
    return Money.quotient(Money.sum(own.map(({ cost }) => Money.parse(cost))), Money.parse(String(count)), digits)
  }
  const monthly = daily(earlier, daysIn(earlier)).minus(daily(after, days)).times(monthDays)
  return { at: ctx.now().toISOString(), days, monthly: Money.plain(monthly), currency }
}

/** Of a completed row. What ended without a known saving, such as a snapshot, moved a part of its cost to others. */
export async function measuredOf(ctx: Context, view: Snapshot.View, row: Info): Promise<Measured | undefined> {
  const [first] = row.resources
  const currency = row.found?.saving.currency ?? first?.currency
  const isMoved = row.found?.effect === 'ends' && row.found.saving.amount === undefined
  if (row.status !== 'completed' || currency === undefined || isMoved) return undefined
  const own = row.resources.flatMap(({ id, aliases = [] }) => [id, ...aliases])
  const targets = row.executionId === undefined ? [] : await Target.all(ctx, row.executionId)
  const names = [...new Set([...own, ...targets.flatMap(Target.billedNames)])]
  return await savedSince(ctx, view, { names, currency, changed: endDay(row), measuredDays: row.measured?.days ?? 0 })
}
