import { dayOf } from '../../kernel/calendar.ts'
import type { Context } from '../../effects/context.ts'
import * as Money from '../../kernel/money.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import { lastDays, savedSince } from '../../recommendations/measure.ts'
import * as Execution from '../execution.ts'
import * as Target from '../target.ts'
import type { Input } from './input.ts'

const longestDays = 60
const dayMs = 86_400_000

/**
 * The saving that really came of all that is done, from the bills of the days after it; nothing while they are missing.
 * The cost of things that were made and are kept, such as a snapshot, lessens it. `again`: the bills of 30 days are not
 * complete.
 */
export async function measure(ctx: Context, { executionId }: Input): Promise<{ next: 'again' | 'end' }> {
  const execution = await Execution.load(ctx, executionId)
  if (execution.rollback || execution.startedAt === undefined) return { next: 'end' }
  const targets = await Target.all(ctx, executionId)
  const done = targets.filter(({ state, monthlyCost }) => state === 'done' && monthlyCost)
  const view = await Snapshot.view(ctx)
  const changed = dayOf(new Date(execution.startedAt))
  const currencies = Map.groupBy(done, ({ monthlyCost }) => monthlyCost?.currency ?? '')
  for (const [currency, own] of currencies) {
    const names = own.flatMap(Target.billedNames)
    const measuredDays = execution.measured.findLast((one) => one.currency === currency)?.days ?? 0
    const measured = await savedSince(ctx, view, { names, currency, changed, measuredDays })
    if (!measured) continue
    await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) => {
      const known = info.measured.some((one) => one.currency === currency && one.days === measured.days)
      if (known) return undefined
      const line = `By the bills of ${measured.days} days, it saves ${Money.parse(measured.monthly).toFixed(2)} ${currency} a month.`
      return { ...info, measured: [...info.measured, measured], log: Execution.withLine(info.log, ctx.now(), line) }
    })
  }
  const { measured } = await Execution.load(ctx, executionId)
  const isKnown = [...currencies.keys()].every((currency) =>
    measured.some((one) => one.currency === currency && one.days >= lastDays),
  )
  const isLate = ctx.now().getTime() > Date.parse(execution.startedAt) + longestDays * dayMs
  return { next: isKnown || isLate ? 'end' : 'again' }
}
