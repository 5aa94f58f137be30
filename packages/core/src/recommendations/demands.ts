import { completeUntil, filesFor, payersOf } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import type { Queries } from '../effects/lake.ts'
import { addDays, type Day } from '../kernel/calendar.ts'
import { clouds, isOfCloud } from '../kernel/cloud.ts'
import type { ListPrice } from '../kernel/list-price.ts'
import * as Money from '../kernel/money.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { type Coverable, coverableKey, coveredUsage, type Demand, offersOf } from '../rules/index.ts'

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
 * Google Cloud gives sustained-use discounts as credits, and none to committed use: its price is a share of the cost
 * before credits.
 */
function offersFor({ cloud, rows }: Usage, offers: Demand['offers']): Demand['offers'] {
  if (cloud !== 'gcp') return offers
  const effective = Money.sum(rows.flatMap(({ costs }) => (JSON.parse(costs) as string[]).map(Money.parse)))
  if (effective.lte(0)) return []
  const factor = Money.quotient(Money.sum(rows.map(({ contracted }) => Money.parse(contracted))), effective, digits)
  return offers.map((offer) => ({ ...offer, ratio: Money.plain(Money.parse(offer.ratio).times(factor)) }))
}

const digits = 15

function demandOf(
  { cloud, region, family, engine, currency, payer, rows }: Usage,
  { start, end }: { start: Day; end: Day },
  offers: Demand['offers'],
): Demand {
  const isHourly = rows.every(({ seconds }) => seconds <= hourSeconds)
  const costs = new Map<string, Money.Amount>()
  for (const row of rows) {
    const amounts = JSON.parse(row.costs) as string[]
    for (const [index, hour] of (JSON.parse(row.hours) as string[]).entries()) {
      const time = isHourly ? hour : hour.slice(0, 10)
      costs.set(time, (costs.get(time) ?? Money.zero).plus(amounts[index] ?? '0'))
    }
  }
  const name = engine === undefined ? family : `${family} ${engine}`
  // A time without a charge had no usage.
  const times = timesOf(start, end, isHourly)
  return {
    usage: `${name} in ${region}`,
    product: productOf(cloud, name),
    cloud,
    accountId: payer,
    accounts: [...new Set(rows.flatMap(({ accounts }) => JSON.parse(accounts) as string[]))].toSorted(),
    kinds: family.startsWith('db.') ? ['database'] : ['instance'],
    region,
    family,
    currency,
    grain: isHourly ? 'hour' : 'day',
    values: times.map((time) => Money.plain(costs.get(time) ?? Money.zero)),
    offers,
  }
}

function productOf(cloud: Demand['cloud'], name: string): string {
  switch (cloud) {
    case 'aws':
      return name.startsWith('db.') ? `reserved DB instances of ${name}` : `reserved instances of ${name}`
    case 'azure':
      return `a reservation of ${name}`
    case 'gcp':
      return `committed use of ${name}`
  }
}

function timesOf(start: Day, end: Day, isHourly: boolean): string[] {
  const times: string[] = []
  for (let day = start; day <= end; day = addDays(day, 1))
    if (!isHourly) times.push(day)
    else for (let hour = 0; hour < 24; hour++) times.push(`${day}T${String(hour).padStart(2, '0')}:00:00.000Z`)
  return times
}
