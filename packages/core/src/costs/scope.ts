import * as z from 'zod'
import { addDays, dayOf, monthOf, monthSpan, type Day, type Span } from '../kernel/calendar.ts'
import type { LakeFiles } from '../effects/lake.ts'
import { costBases, costMetrics, type CostParameters, type Priced, type Queries } from '../effects/queries.ts'
import { plain, totalsBy } from '../kernel/money.ts'
import { filesOf, type Info, type View } from '../lake/snapshot.ts'
import type { Ask } from './ask.ts'
import { Rates } from './convert.ts'
import { isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'

export const Missing = z.object({
  kind: z
    .enum(['exchange_rate', 'days', 'metric', 'version', 'account'])
    .describe(
      '`exchange_rate`: amounts in another currency that are not converted. `days`: a provider whose charges end ' +
        'before the span. ' +
        '`metric`: bills without the metric. `version`: bills that were replaced since `as_of`, and whose version ' +
        'of that time expired. `account`: a purged account with costs on these bills.',
    ),
  detail: z.string(),
  currency: z.string().optional(),
  amount: z.string().optional().describe('Exact, in its own currency.'),
  period: z.enum(['current', 'previous']).optional(),
  provider: z.string().optional(),
  accountId: z.string().optional(),
  after: z.string().optional().describe('The last day on which the provider has a charge.'),
})
export type Missing = z.infer<typeof Missing>

export const Meta = z.object({
  currency: z.string(),
  metric: z.enum(costMetrics),
  basis: z.enum(costBases),
  asOf: z.string().nullable().describe('The time of the lake version that was read; null for an empty lake.'),
  lakeVersion: z.int(),
  completeUntil: z
    .string()
    .nullable()
    .describe('The last day for which all providers that still deliver have charges.'),
  missing: z.array(Missing),
  rates: Rates.optional().describe('The exchange rates; absent if nothing was converted.'),
})

/** A provider this far behind the newest stopped delivering, or does not bill daily. */
const behindDays = 5

/** At most the day of the delivery and the end of the billing period. */
export function lastDays({ snapshots }: View): Map<string, Day> {
  const last = new Map<string, Day>()
  for (const snapshot of snapshots) {
    const day = lastDayOf(snapshot)
    if (day > (last.get(snapshot.provider) ?? '')) last.set(snapshot.provider, day)
  }
  return last
}

function lastDayOf({ days, period, at }: Info): Day {
  return [days.last, monthSpan(period).end, dayOf(new Date(at))].reduce((a, b) => (a < b ? a : b))
}

/** Of the providers that still deliver; null for an empty lake. */
export function completeUntil(view: View): Day | null {
  const days = [...lastDays(view).values()].toSorted()
  const newest = days.at(-1)
  if (newest === undefined) return null
  const floor = addDays(newest, -behindDays)
  return days.find((day) => day >= floor) ?? newest
}

interface Payer {
  provider: string
  billingAccountId: string
  /** The first and the last day with charges. */
  first: Day
  last: Day
  /** The last day whose costs are complete: it was delivered a day later, or there are later charges. */
  complete: Day
}

// Clouds deliver the last charges of a day within so many days after its end.
const matureDays = 1

/** Each pays bills of its own. */
export function payersOf(snapshots: View['snapshots']): Payer[] {
  const payers = Map.groupBy(snapshots, ({ provider, billingAccountId }) =>
    JSON.stringify([provider, billingAccountId]),
  )
  return [...payers.values()].flatMap((bills) => {
    const [bill] = bills
    if (!bill) return []
    const first = bills.reduce((day, { days }) => (days.first < day ? days.first : day), bill.days.first)
    const last = bills.map(lastDayOf).reduce((a, b) => (a > b ? a : b))
    const delivered = bills.reduce((newest, { at }) => (at > newest ? at : newest), '')
    const { provider, billingAccountId } = bill
    const complete = dayOf(new Date(delivered)) > addDays(last, matureDays) ? last : addDays(last, -1)
    return [{ provider, billingAccountId, first, last, complete }]
  })
}

/** The last day whose costs are complete: each payer that still delivers did so a day later, or has later charges. */
export function matureUntil({ snapshots }: View): Day | null {
  const days = payersOf(snapshots).map(({ complete }) => complete)
  const newest = days.toSorted().at(-1)
  if (newest === undefined) return null
  return days.reduce((first, day) => (day >= addDays(newest, -behindDays) && day < first ? day : first), newest)
}

/** Of most bills, whose parts count once, the first by name of several; USD for an empty lake. */
export function usualCurrency({ snapshots }: View): string {
  const bills = new Map<string, Set<string>>()
  for (const { provider, billingAccountId, period, totals } of snapshots)
    for (const { currency } of totals)
      bills.set(currency, (bills.get(currency) ?? new Set()).add(`${provider}/${billingAccountId}/${period}`))
  const [usual] = [...bills].toSorted(([a, m], [b, n]) => n.size - m.size || (a < b ? -1 : 1))
  return usual?.[0] ?? 'USD'
}

export function providersOf({ snapshots, expired = [] }: View): string[] {
  return [...new Set([...snapshots, ...expired].map(({ provider }) => provider))]
}

export function filtered(view: View, filters: CostParameters['filters']): View {
  const wanted = filters.filter(({ dimension }) => dimension === 'provider')
  const isWanted = ({ provider }: Info) => wanted.every(({ values }) => values.includes(provider))
  return { ...view, snapshots: view.snapshots.filter(isWanted), expired: view.expired?.filter(isWanted) }
}

/** With charges of any of the spans. */
export function filesFor(orgId: string, view: View, ...spans: Span[]): LakeFiles {
  return filesOf(
    orgId,
    view,
    view.snapshots.filter((info) => spans.some((span) => touches(info, span))),
  )
}

/** A charge may lie in another month than its bill. */
function touches({ days, period }: Info, { start, end }: Span) {
  return (days.first <= end && days.last >= start) || (period <= monthOf(end) && period >= monthOf(start))
}

export function metaOf(
  { metric, basis }: Ask,
  view: View,
  currency: string,
  missing: Missing[],
  rates?: z.infer<typeof Rates>,
): z.infer<typeof Meta> {
  const asOf = view.snapshots.length === 0 ? null : view.at
  const counted = { currency, metric, basis, asOf, lakeVersion: view.lakeVersion, completeUntil: completeUntil(view) }
  return { ...counted, missing, ...(rates && { rates }) }
}

export function unconverted<Row extends Priced>(
  rows: readonly Row[],
  costOf: (row: Row) => string,
  currency: string,
  period: 'current' | 'previous',
): Missing[] {
  const others = rows.filter((row) => row.currency !== currency && !(row.rateDay && costOf(row) === '0'))
  return [...totalsBy(others, (row) => row.currency, costOf)].toSorted(byName).map(([other, amount]) => ({
    kind: 'exchange_rate',
    currency: other,
    amount: plain(amount),
    period,
    detail:
      `${plain(amount)} ${other} of the ${period} period is not in the figures: ` +
      reasonOf(
        others.flatMap((row) => (row.currency === other ? (row.rateDay ?? []) : [])),
        other,
        currency,
      ),
  }))
}

function reasonOf(rateDays: readonly Day[], other: string, currency: string) {
  const days = [...new Set(rateDays)].toSorted()
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined) return `they are in ${currency}, and nothing is converted.`
  const span = first === last ? `on ${first}` : `on ${days.length} days from ${first} to ${last}`
  return `there is no exchange rate from ${other} to ${currency} ${span}.`
}

/** `excluded` has the excluded accounts' costs on the bills. */
export function incomplete(
  view: View,
  span: Span,
  { metric, currency, excluded }: { metric: Ask['metric']; currency: string; excluded: readonly ExcludedCosts[] },
): Missing[] {
  const ended = [...lastDays(view)].filter(([, last]) => last >= span.start && last < span.end)
  const silent = view.snapshots.filter(
    (info) =>
      touches(info, span) && info.totals.some((totals) => totals.currency === currency && totals[metric] === null),
  )
  return [
    ...expiredOf((view.expired ?? []).filter((info) => touches(info, span))),
    ...ended.toSorted(byName).map(([provider, after]): Missing => ({
      kind: 'days',
      provider,
      after,
      detail: `${provider} has no charge after ${after}.`,
    })),
    ...[...new Set(silent.map(({ provider }) => provider))].toSorted().map((provider): Missing => ({
      kind: 'metric',
      provider,
      detail: `Bills of ${provider} have no ${metric} cost; it is counted as 0.`,
    })),
    ...excludedIn(excluded.filter((row) => row.currency === currency)),
  ]
}

export function expiredOf(bills: readonly Info[]): Missing[] {
  return [...Map.groupBy(bills, ({ provider }) => provider)].toSorted(byName).map(([provider, own]) => ({
    kind: 'version',
    provider,
    detail: `${goneText(provider, own)} replaced since, and the version of that time expired.`,
  }))
}

export function excludedIn(excluded: readonly ExcludedCosts[]): Missing[] {
  const accounts = new Map(excluded.map((row) => [row.accountId, row.provider]))
  return [...accounts].toSorted(byName).map(([accountId, provider]) => ({
    kind: 'account',
    provider,
    accountId,
    detail: `The account ${accountId} was purged: its costs are on bills of ${provider}, and not in the figures.`,
  }))
}

function goneText(provider: string, bills: readonly Info[]) {
  const periods = [...new Set(bills.map(({ period }) => period))].toSorted().join(', ')
  return bills.length === 1
    ? `A bill of ${provider} (${periods}) was`
    : `${bills.length} bills of ${provider} (${periods}) were`
}

function byName([a]: [string, unknown], [b]: [string, unknown]) {
  return a < b ? -1 : 1
}

export type ExcludedCosts = Queries['excludedCosts']['row']

/** Account ids are spelled as they were connected. */
export async function excludedCosts(ctx: Context, lake: LakeFiles): Promise<ExcludedCosts[]> {
  if (lake.excluded.length === 0 || lake.files.cost_rollup.length === 0) return []
  const known = (named: string) => lake.excluded.find(({ accountId }) => isSameAccount(named, accountId))?.accountId
  const rows = await ctx.runtime.lake.query('excludedCosts', lake, {})
  return rows
    .map((row) => ({ ...row, accountId: known(row.accountId) ?? row.accountId }))
    .toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
}
