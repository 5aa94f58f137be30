import { matureUntil } from '../costs/scope.ts'
import { overview } from '../costs/overview.ts'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { addDays } from '../kernel/calendar.ts'
import * as Money from '../kernel/money.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { fields } from './fields.ts'
import type { Info } from './policy.ts'
import { costMetrics, type Threshold } from './trigger.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    policyThresholds: Table<State>
  }
}

/** Of a policy. */
interface State {
  id: string
  /** The trigger that was evaluated, as JSON: another one begins anew. */
  trigger: string
  isBeyond: boolean
  /** Since when, in ISO time. */
  at: string
}

const isOfCost = ({ metric }: Threshold) => costMetrics.some((name) => name === metric)

/**
 * Compares the metrics of all policies after an analysis. A crossing fires once: again after the metric went back. A
 * metric that is not known changes nothing.
 */
export async function evaluate(ctx: Context, of: 'costs' | 'resources'): Promise<void> {
  for (const policy of await ctx.tables.policies.all(ctx.orgId)) {
    const { trigger } = policy
    if (!policy.enabled || trigger.type !== 'threshold' || isOfCost(trigger) !== (of === 'costs')) continue
    const value = isOfCost(trigger) ? await costOf(ctx, trigger) : await utilizationOf(ctx, policy, trigger)
    if (value === undefined) ctx.log.warn('the metric of a policy is not known', { policyId: policy.id })
    else await cross(ctx, policy.id, trigger, value)
  }
}

async function cross(ctx: Context, id: string, threshold: Threshold, value: Money.Amount): Promise<void> {
  const { policyThresholds } = ctx.tables
  const limit = Money.parse(threshold.value)
  const isBeyond = threshold.operator === '>' ? value.gt(limit) : value.lt(limit)
  const trigger = JSON.stringify(threshold)
  const at = ctx.now().toISOString()
  const isHeld = (state: State | undefined) => state?.trigger === trigger && state.isBeyond === isBeyond
  if (isHeld(await policyThresholds.get(ctx.orgId, id))) return
  const { metric } = threshold
  const crossing = event(ctx, 'threshold.crossed', { policyId: id, metric, value: Money.plain(value), at })
  const next = { id, trigger, isBeyond, at }
  await policyThresholds.upsert(
    ctx.orgId,
    id,
    (found) => (isHeld(found) ? undefined : next),
    isBeyond ? [crossing] : [],
  )
}

/** Effective, of the last complete day or of 30 days; undefined without bills or without a rate of exchange. */
async function costOf(ctx: Context, { metric, currency, filter }: Threshold): Promise<Money.Amount | undefined> {
  const day = matureUntil(await Snapshot.view(ctx))
  if (day === null) return undefined
  const { provider, ...others } = filter
  const filters = (['account', 'service', 'region'] as const).flatMap((dimension) => {
    const value = others[dimension]
    return value === undefined ? [] : [{ dimension, values: [value] }]
  })
  const { totalCostExact, meta } = await overview(ctx, {
    startDate: metric === 'daily_cost' ? day : addDays(day, -29),
    endDate: day,
    filters,
    ...(currency !== undefined && { currency }),
    ...(provider !== undefined && { cloudProvider: provider }),
  })
  const lacks = meta.missing.some(({ kind, period }) => kind === 'exchange_rate' && period !== 'previous')
  return lacks ? undefined : Money.parse(totalCostExact)
}

/** The mean of the resources of the action whose utilization is known; undefined without one. */
async function utilizationOf(
  ctx: Context,
  { action }: Info,
  { metric, filter }: Threshold,
): Promise<Money.Amount | undefined> {
  const { fleetOf } = await import('./fleet.ts')
  const { members } = await fleetOf(ctx, action.name, [{ field: metric, operator: 'exists' }])
  const { provider, account, region } = filter
  const values = members.flatMap(({ subject }) => {
    const isWanted =
      (provider ?? subject.cloud) === subject.cloud &&
      (account ?? subject.accountId) === subject.accountId &&
      (region ?? subject.region) === subject.region
    const value = isWanted ? fields[metric]?.read({ subject, now: ctx.now() }) : undefined
    return typeof value === 'number' ? [Money.parse(String(value))] : []
  })
  if (values.length === 0) return undefined
  return Money.quotient(Money.sum(values), Money.parse(String(values.length)), 12)
}
