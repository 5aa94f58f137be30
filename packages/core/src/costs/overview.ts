import * as z from 'zod'
import {
  addDays,
  bucketOf,
  buckets,
  Day,
  dayOf,
  daysIn,
  Granularity,
  spanBefore,
  type Span,
} from '../kernel/calendar.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Dimension, Filter, Queries } from '../effects/lake.ts'
import { change, descending, parse, percentOf, plain, sum, toNumber, zero, type Amount } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { question } from './answers.ts'
import { filtersOf, shared } from './ask.ts'
import { excludedCosts } from './excluded-costs.ts'
import {
  completeUntil,
  filesFor,
  filtered,
  incomplete,
  Meta,
  metaOf,
  type Missing,
  providersOf,
  unconverted,
  usualCurrency,
} from './scope.ts'

/** The dimensions by which the API breaks costs down. */
export const GroupBy = z.enum(['service', 'region', 'tag', 'account'] satisfies Dimension[])

/** What one may ask of the overview. Days are inclusive; without days, the last 30 complete ones. */
export const OverviewInput = z
  .strictObject({
    startDate: Day.optional().describe('The first day. By default the 30th before and including `end_date`.'),
    endDate: Day.optional().describe('The last day, inclusive. By default the last complete day of the lake.'),
    granularity: Granularity.default('daily').describe(
      'The steps of the time series. Weeks are those of ISO 8601 and begin on Monday.',
    ),
    groupBy: GroupBy.default('service').describe('What the breakdown is by; `tag` needs `tag_key`.'),
    tagKey: z.string().min(1).max(1024).optional().describe('The tag whose values the breakdown is by.'),
    limit: z
      .number()
      .int()
      .min(1)
      .max(5000)
      .default(1000)
      .describe('Lines of the breakdown; the rest is summed in a last one.'),
    ...shared,
  })
  .refine(({ startDate, endDate }) => !startDate || !endDate || startDate <= endDate, {
    message: 'must not be before start_date',
    path: ['endDate'],
  })
  .refine(({ groupBy, tagKey }) => groupBy !== 'tag' || tagKey !== undefined, {
    message: 'is needed to group by tag',
    path: ['tagKey'],
  })
type OverviewInput = z.output<typeof OverviewInput>

/** Where the money went, over time and by one dimension, against the equally long period before. */
export const Overview = z.object({
  totalCost: z.number(),
  totalCostExact: z.string().describe('The same as an exact decimal.'),
  currency: z.string(),
  startDate: z.string(),
  endDate: z.string(),
  granularity: Granularity,
  groupBy: GroupBy,
  periodComparison: z.object({
    previousPeriod: z.number(),
    previousPeriodExact: z.string(),
    changePercent: z.number().describe('0, 100 or -100 when the previous period cost nothing.'),
    previousIsZero: z
      .boolean()
      .describe('Whether the previous period cost nothing: then there is nothing to compare with.'),
    startDate: z.string(),
    endDate: z.string(),
  }),
  breakdown: z.array(
    z.object({
      dimension: z
        .string()
        .describe(
          '`(none)` where the bill says nothing, `(untagged)` where the tag is missing, `(other)` for what exceeds the limit.',
        ),
      value: z.string().nullable().describe('The value itself; null where there is none.'),
      cost: z.number(),
      costExact: z.string(),
      percentage: z.number().describe('Of the total; 0 when the total is 0.'),
    }),
  ),
  timeSeries: z.array(
    z.object({
      date: z.string().describe('First day of the day, week or month.'),
      cost: z.number(),
      costExact: z.string(),
    }),
  ),
  meta: Meta,
})
type Overview = z.infer<typeof Overview>
type Row = Queries['costOverview']['row']

const defaultDays = 30
const mostDays = 1096
const mostSteps = 1200

/** Cost over time and by service, region, tag or account. */
export const overview = question(
  'costs.overview',
  OverviewInput,
  'read:costs',
  async (ctx, input, whole): Promise<Overview> => {
    const span = spanOf(ctx, input, whole)
    const before = spanBefore(span)
    const currency = input.currency ?? ctx.currency ?? usualCurrency(whole)
    const filters = filtersOf(input, providersOf(whole))
    const view = filtered(whole, filters)
    const [rows, excluded] = await Promise.all([
      read(ctx, input, filters, view, span, before),
      excludedCosts(ctx, filesFor(ctx.orgId, view, span)),
    ])
    const counted = (part: Row['part']) => rows.filter((row) => row.part === part && row.currency === currency)
    const total = sumOf(counted('day'))
    const totalBefore = sumOf(counted('previous'))
    const changed = change(total, totalBefore)
    return {
      totalCost: toNumber(total),
      totalCostExact: plain(total),
      currency,
      startDate: span.start,
      endDate: span.end,
      granularity: input.granularity,
      groupBy: input.groupBy,
      periodComparison: {
        previousPeriod: toNumber(totalBefore),
        previousPeriodExact: plain(totalBefore),
        changePercent: changed.percent,
        previousIsZero: changed.isFromZero,
        startDate: before.start,
        endDate: before.end,
      },
      breakdown: breakdownOf(counted('dimension'), total, input),
      timeSeries: seriesOf(counted('day'), span, input.granularity),
      meta: metaOf(input, whole, currency, [
        ...unconvertedIn(rows, currency),
        ...incomplete(view, span, { metric: input.metric, currency, excluded }),
      ]),
    }
  },
)

async function read(
  ctx: Context,
  input: OverviewInput,
  filters: Filter[],
  view: View,
  span: Span,
  before: Span,
): Promise<Row[]> {
  const source = filesFor(ctx.orgId, view, { start: before.start, end: span.end })
  if (source.files.costs.length === 0) return []
  const { metric, basis, groupBy, tagKey } = input
  const parameters = {
    metric,
    basis,
    filters,
    ...span,
    previousStart: before.start,
    groupBy,
    ...(tagKey !== undefined && { tagKey }),
  }
  return await ctx.runtime.lake.query('costOverview', source, parameters)
}

function unconvertedIn(rows: readonly Row[], currency: string): Missing[] {
  const ofCurrent = totalsBy(
    rows.filter(({ part }) => part === 'day'),
    (row) => row.currency,
  )
  const ofPrevious = totalsBy(
    rows.filter(({ part }) => part === 'previous'),
    (row) => row.currency,
  )
  return [...unconverted(ofCurrent, currency, 'current'), ...unconverted(ofPrevious, currency, 'previous')]
}

/** The days that are asked for. Throws Fault `invalid` when they are too many for one answer. */
function spanOf(ctx: Context, { startDate, endDate, asOf, granularity }: OverviewInput, view: View): Span {
  const last = completeUntil(view) ?? addDays(dayOf(asOf === undefined ? ctx.now() : new Date(asOf)), -1)
  const end = endDate ?? (startDate !== undefined && startDate > last ? startDate : last)
  const span = { start: startDate ?? addDays(end, 1 - defaultDays), end }
  const days = daysIn(span)
  if (granularity === 'daily' && days > mostDays)
    tooLong(`A daily series has at most ${mostDays} days (three years), not ${days}. Ask weekly or monthly.`)
  if (granularity === 'weekly' && days > mostSteps * 7)
    tooLong(`A weekly series has at most ${mostSteps} weeks. Ask monthly.`)
  return span
}

function tooLong(message: string): never {
  throw new Fault('invalid', message, [{ path: 'startDate', message }])
}

function sumOf(rows: readonly Pick<Row, 'cost'>[]): Amount {
  return sum(rows.map(({ cost }) => parse(cost)))
}

function totalsBy<Row extends { cost: string }>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Map<string, Amount> {
  const totals = new Map<string, Amount>()
  for (const row of rows) {
    const key = keyOf(row)
    totals.set(key, (totals.get(key) ?? zero).plus(parse(row.cost)))
  }
  return totals
}

/** Dearest first; equal costs in order of name, so that the same question has the same answer. */
export function breakdownOf(
  rows: readonly Pick<Row, 'key' | 'cost'>[],
  total: Amount,
  { groupBy, limit }: Pick<OverviewInput, 'groupBy' | 'limit'>,
): Overview['breakdown'] {
  const unnamed = groupBy === 'tag' ? '(untagged)' : '(none)'
  const sorted = rows
    .map(({ key, cost }) => ({ value: key, amount: parse(cost) }))
    .toSorted((a, b) => descending(a.amount, b.amount) || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
  const line = (dimension: string, value: string | null, amount: Amount) => {
    return { dimension, value, cost: toNumber(amount), costExact: plain(amount), percentage: percentOf(amount, total) }
  }
  const lines = sorted.slice(0, limit).map(({ value, amount }) => line(value ?? unnamed, value, amount))
  const rest = sorted.slice(limit)
  return rest.length === 0 ? lines : [...lines, line('(other)', null, sum(rest.map(({ amount }) => amount)))]
}

/** Every step of the span, with 0 where nothing was charged. The rows' keys are days. */
export function seriesOf(
  rows: readonly Pick<Row, 'key' | 'cost'>[],
  span: Span,
  granularity: Granularity,
): Overview['timeSeries'] {
  const totals = totalsBy(rows, ({ key }) => bucketOf(key ?? span.start, granularity))
  return buckets(span, granularity).map((date) => {
    const cost = totals.get(date) ?? zero
    return { date, cost: toNumber(cost), costExact: plain(cost) }
  })
}
