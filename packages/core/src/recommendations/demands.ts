import { completeUntil, filesFor, payersOf } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import type { Queries } from '../effects/queries.ts'
import { addDays, type Day } from '../kernel/calendar.ts'
import { type Cloud, clouds, isOfCloud } from '../kernel/cloud.ts'
import type { ListPrice, Plan } from '../kernel/list-price.ts'
import * as Money from '../kernel/money.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import * as Snapshot from '../lake/snapshot.ts'
import {
  type Coverable,
  coverableKey,
  coveredUsage,
  type Demand,
  type Listed,
  type Offer,
  offersOf,
} from '../rules/index.ts'

const windowDays = 90
/** Meters of payers and regions; more are left out, the cheapest first. */
const mostRows = 500
const hourSeconds = 3600

type Row = Queries['onDemandUsage']['row']
type Usage = Coverable & { payer: string; rows: [Row, ...Row[]] }

/** Usage at on-demand prices for which the lists offer commitments, over 90 complete days. */
export async function demandsOf(ctx: Context, list: readonly ListPrice[]): Promise<Demand[]> {
  const view = await Snapshot.view(ctx)
  const end = completeUntil(view)
  const offers = offersOf(list)
  if (end === null || offers.size === 0) return []
  const span = { start: addDays(end, 1 - windowDays), end }
  const files = filesFor(ctx.orgId, view, span)
  const rows = await ctx.runtime.lake.query('onDemandUsage', files, { ...span, most: mostRows })
  const firsts = payersOf(view.snapshots)
  return usagesOf(rows).flatMap((usage) => {
    const own = offers.get(coverableKey(usage))
    // Days before the first bill are not known.
    const first = firsts
      .filter((one) => isOfCloud(one.provider, usage.cloud) && one.billingAccountId === usage.payer)
      .map((one) => one.first)
    const known = { ...span, start: first.reduce((latest, day) => (day > latest ? day : latest), span.start) }
    return own ? [demandOf(usage, known, offersFor(usage, own))] : []
  })
}

function usagesOf(rows: readonly Row[]): Usage[] {
  const usages = new Map<string, Usage>()
  for (const row of rows) {
    const { provider, payer, region, meter, service, description, currency } = row
    const cloud = clouds.find((each) => isOfCloud(provider, each))
    const covered = cloud && coveredUsage({ cloud, service: service ?? '', meter, description: description ?? '' })
    if (cloud === undefined || covered === undefined) continue
    const coverable = { cloud, region, ...covered, currency }
    const key = `${payer}|${coverableKey(coverable)}`
    const known = usages.get(key)
    if (known) known.rows.push(row)
    else usages.set(key, { ...coverable, payer, rows: [row] })
  }
  return [...usages.values()]
}

/**
 * What the prices of a cloud's commitments are a share of. AWS and Azure sell them at the prices of their lists: a discount
 * of the organization on demand is not assumed for them. Google Cloud takes its percentage of the organization's own price
 * before credits, because committed use gets no sustained-use discount:
 * https://cloud.google.com/billing/docs/how-to/cud-analysis-flexible
 */
const bases: Record<Cloud, 'listed' | 'contracted'> = { aws: 'listed', azure: 'listed', gcp: 'contracted' }

function offersFor(usage: Usage, offers: readonly Listed[]): Offer[] {
  const { cloud, rows } = usage
  const effective = Money.sum(rows.flatMap(({ costs }) => (JSON.parse(costs) as string[]).map(Money.parse)))
  if (effective.lte(0)) return []
  const basis = Money.sum(rows.map((row) => Money.parse(row[bases[cloud]])))
  const factor = Money.quotient(basis, effective, digits)
  return offers.map(({ ratio, ...term }) => ({
    ...term,
    product: productOf(usage, term.plan),
    ratio: Money.plain(Money.parse(ratio).times(factor)),
  }))
}

const digits = 15

function demandOf(usage: Usage, { start, end }: { start: Day; end: Day }, offers: readonly Offer[]): Demand {
  const { cloud, region, family, variant, currency, payer, rows } = usage
  const isHourly = rows.every(({ seconds }) => seconds <= hourSeconds)
  const costs = new Map<string, Money.Amount>()
  for (const row of rows) {
    const amounts = JSON.parse(row.costs) as string[]
    for (const [index, hour] of (JSON.parse(row.hours) as string[]).entries()) {
      const time = isHourly ? hour : hour.slice(0, 10)
      costs.set(time, (costs.get(time) ?? Money.zero).plus(amounts[index] ?? '0'))
    }
  }
  // A time without a charge had no usage.
  const times = timesOf(start, end, isHourly)
  return {
    usage: `${nameOf(usage)} in ${region}`,
    cloud,
    accountId: payer,
    accounts: [...new Set(rows.flatMap(({ accounts }) => JSON.parse(accounts) as string[]))].toSorted(),
    kinds: [kindOf(family)],
    region,
    family,
    ...(variant !== undefined && { variant }),
    currency,
    grain: isHourly ? 'hour' : 'day',
    values: times.map((time) => Money.plain(costs.get(time) ?? Money.zero)),
    offers,
  }
}

const nameOf = ({ family, variant }: Usage) => (variant === undefined ? family : `${family} ${variant}`)

function kindOf(family: string): ResourceKind {
  if (family.startsWith('Fargate-')) return 'container_service'
  if (family.startsWith('Lambda-')) return 'function'
  return family.startsWith('db.') ? 'database' : 'instance'
}

function productOf(usage: Usage, plan: Plan | undefined): string {
  const name = nameOf(usage)
  switch (usage.cloud) {
    case 'aws':
      if (plan === 'compute') return 'Compute Savings Plan'
      if (plan === 'ec2_instance') return `EC2 Instance Savings Plan of ${usage.family} in ${usage.region}`
      return name.startsWith('db.') ? `reserved DB instances of ${name}` : `reserved instances of ${name}`
    case 'azure':
      return plan ? 'Azure savings plan for compute' : `a reservation of ${name}`
    case 'gcp':
      return plan ? 'Compute flexible commitment' : `committed use of ${name}`
  }
}

function timesOf(start: Day, end: Day, isHourly: boolean): string[] {
  const times: string[] = []
  for (let day = start; day <= end; day = addDays(day, 1))
    if (!isHourly) times.push(day)
    else for (let hour = 0; hour < 24; hour++) times.push(`${day}T${String(hour).padStart(2, '0')}:00:00.000Z`)
  return times
}
