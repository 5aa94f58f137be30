import * as z from 'zod'
import { dayOf, Month, monthOf, monthSpan } from '../../kernel/calendar.ts'
import { costMetrics, type Queries } from '../../effects/queries.ts'
import { type Amount, descending, exactly, parse, plain, sum, totalsBy, withExact } from '../../kernel/money.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import { question } from '../answers.ts'
import { filtersOf, shared } from '../ask.ts'
import { excludedCosts, excludedIn, expiredOf, filtered, Missing, providersOf } from '../scope.ts'
import { causesOf, changeBy, nameOf } from './causes.ts'
import { type Comparison, comparisonOf, keyOf, sinceEnd, type Step, type Version } from './versions.ts'

type Row = Queries['costRestatements']['row']

const { cloudProvider, metric, filters, asOf } = shared

export const Input = z.strictObject({
  period: Month.optional().describe('The billing period, by its first month. By default the last one that has ended.'),
  cloudProvider,
  metric,
  filters,
  asOf,
})

const described: Record<Row['cause'], string> = {
  lateUsage: 'Charges that came later, or grew in quantity.',
  removed: 'Charges that were removed, or shrank in quantity.',
  price: 'The same charges of the same quantity at another cost.',
  credits: 'Credits, adjustments and corrections.',
  commitments: 'Purchases of commitments, and their unused share.',
  tax: 'Taxes.',
}
const Causes = causesOf(described)

const Difference = z.object({
  fromVersion: z.int(),
  toVersion: z.int(),
  at: z.string().describe('The time at which the later version became visible.'),
  rowsBefore: z.int(),
  rowsAfter: z.int(),
  ...exactly('before'),
  ...exactly('after'),
  ...exactly('change'),
  causes: Causes,
  services: z
    .array(z.object({ name: z.string(), value: z.string().nullable(), ...exactly('change'), causes: Causes }))
    .describe(
      'The 20 services that changed most; `(none)` where the bill names no service, `(other)` for the rest. ' +
        'They sum to the change.',
    ),
  lateUsage: z
    .array(z.object({ date: z.string(), ...exactly('cost') }))
    .describe('The late usage by the day of the charge.'),
})
type Difference = z.infer<typeof Difference>

const Bill = z.object({
  provider: z.string(),
  billingAccountId: z.string(),
  currency: z.string(),
  firstSeenAt: z.string().describe('The time at which the first version became visible.'),
  ...Difference.shape,
  steps: z
    .array(Difference)
    .describe('From version to version; of more than 12 versions, those after the first are one step.'),
})

export const Info = z.object({
  period: z.string(),
  bills: z.array(Bill).describe('Bills with several versions since the end of the period, by currency.'),
  unchanged: z.int().describe('The number of bills with one version since the end of the period.'),
  open: z.int().describe('The number of bills without a version since the end of the period.'),
  meta: z.object({
    metric: z.enum(costMetrics),
    asOf: z.string().nullable(),
    lakeVersion: z.int(),
    missing: z.array(Missing),
  }),
})

export const get = question(
  'costs.restatements',
  Input,
  'read:costs',
  async (ctx, input, whole): Promise<z.infer<typeof Info>> => {
    const wanted = filtersOf(ctx, input, providersOf(whole))
    const view = filtered(whole, wanted)
    const period = input.period ?? lastEnded(view, input.asOf === undefined ? ctx.now() : new Date(input.asOf))
    const snapshots = view.snapshots.filter((info) => info.period === period)
    const found = await Promise.all(
      snapshots.map(async (info) => sinceEnd(await Snapshot.versionsOf(ctx, info), period)),
    )
    const restated = found.map(({ versions }) => versions).filter((versions) => versions.length > 1)
    const compared = restated.map(comparisonOf).filter((comparison) => comparison !== undefined)
    const steps = [...new Set(compared.flatMap(({ whole, steps: own }) => [whole, ...own]))]
    const files = Snapshot.filesOf(ctx.orgId, view, restated.flat())
    const parameters = {
      metric: input.metric,
      filters: wanted,
      versions: restated.flat().flatMap((info) => info.files.costs.map(() => keyOf(info))),
      pairs: steps.map(({ earlier, later }) => ({ earlier: keyOf(earlier), later: keyOf(later) })),
    }
    const [rows, excluded] = await Promise.all([
      steps.length === 0 ? [] : ctx.runtime.lake.query('costRestatements', files, parameters),
      excludedCosts(ctx, Snapshot.filesOf(ctx.orgId, view, snapshots)),
    ])
    const byPair = Map.groupBy(rows, ({ pair }) => pair)
    const missing = [
      ...expiredOf((view.expired ?? []).filter((info) => info.period === period)),
      ...found.flatMap(({ versions, isCut }) => (isCut ? versions.slice(0, 1).map(expiredBefore) : [])),
      ...excludedIn(excluded),
    ]
    return {
      period,
      bills: billsOf(compared, (step) => byPair.get(steps.indexOf(step)) ?? []),
      unchanged: found.filter(({ versions }) => versions.length === 1).length,
      open: found.filter(({ versions }) => versions.length === 0).length,
      meta: {
        metric: input.metric,
        asOf: view.snapshots.length === 0 ? null : view.at,
        lakeVersion: view.lakeVersion,
        missing,
      },
    }
  },
)

function lastEnded({ snapshots }: Snapshot.View, now: Date): string {
  const periods = snapshots.map(({ period }) => period).toSorted()
  return periods.findLast((period) => monthSpan(period).end < dayOf(now)) ?? periods.at(-1) ?? monthOf(dayOf(now))
}

function expiredBefore({ provider, billingAccountId, period, version }: Version): Missing {
  const detail =
    `Older versions of the bill of ${provider} (${billingAccountId}, ${period}) expired. ` +
    `The comparison begins with version ${version}.`
  return { kind: 'version', provider, detail }
}

function billsOf(found: readonly Comparison[], rowsOf: (step: Step) => readonly Row[]): z.infer<typeof Bill>[] {
  return found.flatMap(({ whole, steps }) => {
    const { provider, billingAccountId } = whole.later
    const currencies = new Set([whole, ...steps].flatMap((step) => rowsOf(step).map(({ currency }) => currency)))
    return [...currencies].toSorted().map((currency) => {
      const difference = (step: Step) =>
        differenceOf(
          step,
          rowsOf(step).filter((row) => row.currency === currency),
        )
      const firstSeenAt = whole.earlier.at
      return { provider, billingAccountId, currency, firstSeenAt, ...difference(whole), steps: steps.map(difference) }
    })
  })
}

function differenceOf(step: Step, rows: readonly Row[]): Difference {
  const late = totalsBy(
    rows.filter(({ day }) => day !== null),
    ({ day }) => day ?? '',
    (row) => plain(changeOf(row)),
  )
  return {
    fromVersion: step.earlier.version,
    toVersion: step.later.version,
    at: step.later.at,
    rowsBefore: rows.reduce((count, { rowsBefore }) => count + rowsBefore, 0),
    rowsAfter: rows.reduce((count, { rowsAfter }) => count + rowsAfter, 0),
    ...withExact('before', sum(rows.map(({ before }) => parse(before)))),
    ...withExact('after', sum(rows.map(({ after }) => parse(after)))),
    ...changesOf(rows),
    services: servicesOf(rows),
    lateUsage: [...late]
      .filter(([, cost]) => !cost.eq(0))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([date, cost]) => ({ date, ...withExact('cost', cost) })),
  }
}

function changeOf({ before, after }: Row): Amount {
  return parse(after).minus(parse(before))
}

function changesOf(rows: readonly Row[]) {
  const causes = totalsBy(
    rows,
    ({ cause }) => cause,
    (row) => plain(changeOf(row)),
  )
  return changeBy(described, causes)
}

const mostServices = 20

function servicesOf(rows: readonly Row[]): Difference['services'] {
  const sized = [...Map.groupBy(rows, ({ service }) => service)]
    .map(([value, own]) => ({ value, own, size: sum(own.map(changeOf)).abs() }))
    .filter(({ own }) => own.some((row) => !changeOf(row).eq(0)))
    .toSorted((a, b) => descending(a.size, b.size) || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
  const rest = { value: undefined, own: sized.slice(mostServices).flatMap(({ own }) => own) }
  const lines = [...sized.slice(0, mostServices), ...(rest.own.length === 0 ? [] : [rest])]
  return lines.map(({ value, own }) => ({ ...nameOf(value), ...changesOf(own) }))
}
