import * as z from 'zod'
import { question } from '../costs/answers.ts'
import { filtersOf, groupedBy, shared } from '../costs/ask.ts'
import { type Conversion, conversionOf, convert } from '../costs/convert.ts'
import { GroupBy } from '../costs/overview-schema.ts'
import {
  excludedCosts,
  filesFor,
  filtered,
  incomplete,
  matureUntil,
  metaOf,
  Meta,
  providersOf,
  unconverted,
  usualCurrency,
} from '../costs/scope.ts'
import type { Dimension, Filter, Queries } from '../effects/queries.ts'
import { lookBackDays } from '../currencies/rates.ts'
import { addDays, type Day, dayOf, daysIn, monthOf, monthSpan } from '../kernel/calendar.ts'
import { parse, sum, toNumber } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { backtest, forecast, total } from './forecast/forecast.ts'
import { recurring } from './recurring.ts'

/** Two years, so that a yearly pattern is seen twice. */
const historyDays = 730
/** A group is forecast if it had costs in these days. */
const recentDays = 30

const Input = z
  .strictObject({
    daysAhead: z.int().min(1).max(365).default(30).describe('Days after the last complete day.'),
    confidenceLevel: z.number().min(0.5).max(0.999).default(0.95).describe('How often the interval holds.'),
    groupBy: GroupBy.optional().describe('Adds a breakdown by this dimension; `tag` needs `tag_key`.'),
    tagKey: z.string().min(1).max(1024).optional().describe('The tag whose values the breakdown has.'),
    limit: z.int().min(1).max(50).default(20).describe('The most lines of the breakdown; a last line has the rest.'),
    ...shared,
  })
  .refine(({ groupBy, tagKey }) => groupBy !== 'tag' || tagKey !== undefined, {
    message: 'is needed to group by tag',
    path: ['tagKey'],
  })
type Input = z.output<typeof Input>

const Range = z.object({ predictedCost: z.number(), lowerBound: z.number(), upperBound: z.number() })
type Range = z.infer<typeof Range>

export const Forecast = z.object({
  forecast: z.array(z.object({ date: z.string(), ...Range.shape })),
  totalForecasted: z.number(),
  totalLowerBound: z.number().describe('Of the total; narrower than the sum of the days, because errors cancel out.'),
  totalUpperBound: z.number(),
  monthEnd: Range.extend({
    month: z.string(),
    costToDate: z.number().describe('Of the days of this month before the forecast.'),
  }).describe('The whole month of the first day of the forecast.'),
  breakdown: z
    .array(Range.extend({ dimension: z.string(), value: z.string().nullable() }))
    .describe('Each line is a forecast of its own, so that the lines need not add up to the total.'),
  accuracyMetrics: z
    .object({
      mape: z.number().nullable().describe('Mean absolute error in percent.'),
      rmse: z.number().nullable().describe('Root of the mean squared error of a day, in the currency.'),
      mase: z
        .number()
        .nullable()
        .describe(
          'Mean absolute error, relative to repeating the last week, or the last day without a weekly pattern.',
        ),
      coverage: z.number().nullable().describe('How often the interval held.'),
    })
    .describe('Of forecasts of the last months of this series from the days before them. Null if it is too short.'),
  basedOn: z.object({
    startDate: z.string().nullable(),
    endDate: z.string().nullable().describe('The last complete day with exchange rates.'),
    seasons: z.array(z.int()).describe('Lengths in days of the patterns that were found.'),
    recurring: z
      .array(z.object({ dayOfMonth: z.int(), cost: z.number() }))
      .describe('Tax, credits, purchases and adjustments that came on this day of the last two months: they repeat.'),
    oneOffs: z
      .number()
      .describe('The other tax, credits, purchases and adjustments of the history. They do not repeat.'),
  }),
  currency: z.string(),
  meta: Meta,
})
export type Forecast = z.infer<typeof Forecast>

type Row = Queries['costByDay']['row']
type GroupRow = Queries['costByGroup']['row']

const usage = 'Usage'
/** They are treated apart from usage: they have no daily pattern. */
const apart = ['Tax', 'Credit', 'Purchase', 'Adjustment']
const categoryOf = (values: readonly string[]): Filter => ({ dimension: 'category', values: [...values] })

export const costForecast = question(
  'costs.forecast',
  Input,
  'read:costs',
  async (ctx, input, whole, conversion: Conversion | undefined): Promise<Forecast> => {
    const currency = conversion?.to ?? usualCurrency(whole)
    const filters = filtersOf(ctx, input, providersOf(whole))
    const view = filtered(whole, filters)
    const last = lastDayOf(view, conversion) ?? addDays(dayOf(ctx.now()), -1)
    const span = { start: addDays(last, 1 - historyDays), end: last }
    const source = filesFor(ctx.orgId, view, span)
    const { metric, basis, groupBy, tagKey, limit: most } = input
    const converted = async <Priced extends Row>(rows: readonly Priced[]) =>
      await convert(
        ctx,
        rows.map((row) => ({ ...row, rateDay: row.day })),
        ['cost'],
        conversion,
      )
    const ask = async (categories: readonly string[]) => {
      if (source.files.costs.length === 0) return { rows: [] }
      const parameters = { metric, basis, filters: [...filters, categoryOf(categories)], ...span }
      return await converted(await ctx.runtime.lake.query('costByDay', source, parameters))
    }
    const askGroups = async (by: Dimension) => {
      if (source.files.costs.length === 0) return { rows: [] }
      const wanted = [...filters, categoryOf([usage, ...apart])]
      const grouped = { ...groupedBy(ctx, { groupBy: by, tagKey }), recent: addDays(last, 1 - recentDays), most }
      const parameters = { metric, basis, filters: wanted, ...span, ...grouped }
      return await converted(await ctx.runtime.lake.query('costByGroup', source, parameters))
    }
    const [{ rows: used, rates }, { rows: others }, { rows: groups }, excluded] = await Promise.all([
      ask([usage]),
      ask(apart),
      groupBy ? askGroups(groupBy) : { rows: [] },
      excludedCosts(ctx, source),
    ])
    const inCurrency = <Priced extends Row>(rows: readonly Priced[]) => rows.filter((row) => row.currency === currency)
    const made = predict(inCurrency(used), inCurrency(others), last, input)
    const { daily, costs, sumOf } = made
    const month = monthOf(addDays(last, 1))
    const left = daysIn({ start: addDays(last, 1), end: monthSpan(month).end })
    const toDate = sum(
      [...inCurrency(used), ...inCurrency(others)].filter(({ day }) => monthOf(day) === month).map(costOf),
    )
    const rest = sumOf(left)
    const atEnd = (part: number) => rounded(toNumber(toDate) + part)
    const ahead = sumOf(input.daysAhead)
    return {
      forecast: daily.slice(0, input.daysAhead),
      totalForecasted: ahead.predictedCost,
      totalLowerBound: ahead.lowerBound,
      totalUpperBound: ahead.upperBound,
      monthEnd: {
        month,
        costToDate: rounded(toNumber(toDate)),
        predictedCost: atEnd(rest.predictedCost),
        lowerBound: atEnd(rest.lowerBound),
        upperBound: atEnd(rest.upperBound),
      },
      breakdown: breakdownOf(inCurrency(groups), last, input),
      accuracyMetrics: made.accuracy(),
      basedOn: {
        startDate: costs.start,
        endDate: costs.start === null ? null : last,
        seasons: made.seasons,
        recurring: made.recurring,
        oneOffs: rounded(made.oneOffs),
      },
      currency,
      meta: metaOf(
        input,
        whole,
        currency,
        [
          ...unconverted([...used, ...others], ({ cost }) => cost, currency, 'current'),
          ...incomplete(view, span, { metric: input.metric, currency, excluded }),
        ],
        rates,
      ),
    }
  },
  conversionOf,
  { isKept: true },
)

/** The last complete day; without a rate of other currencies for it, the last day that has one. */
function lastDayOf(view: View, conversion: Conversion | undefined): Day | null {
  const mature = matureUntil(view)
  const isConverted = view.snapshots.some(({ totals }) => totals.some(({ currency }) => currency !== conversion?.to))
  if (mature === null || !conversion || !isConverted) return mature
  const rated = addDays(conversion.until, lookBackDays)
  return rated < mature ? rated : mature
}

const costOf = ({ cost }: Row) => parse(cost)

/** Four decimals: the digits of a forecast mean less than those of a bill. */
const rounded = (value: number) => Number(value.toFixed(4))

/** The cost of each day from the first charge to the last day. */
function seriesOf(rows: readonly Pick<Row, 'day' | 'cost'>[], last: Day) {
  const start = rows.reduce<Day | null>((first, { day }) => (first === null || day < first ? day : first), null)
  if (start === null) return { start, values: [] }
  const values = Array.from({ length: daysIn({ start, end: last }) }, () => 0)
  for (const { day, cost } of rows) {
    const at = daysIn({ start, end: day }) - 1
    values[at] = (values[at] ?? 0) + Number(cost)
  }
  return { start, values }
}

function predict(
  used: readonly Row[],
  others: readonly Row[],
  last: Day,
  input: Pick<Input, 'daysAhead' | 'confidenceLevel'>,
) {
  const costs = seriesOf(used, last)
  const level = input.confidenceLevel
  // Until the end of the month at least.
  const horizon = Math.max(input.daysAhead, 31)
  const series = { start: costs.start ?? last, stepSeconds: 86_400, values: costs.values }
  const model = forecast(series, { horizon, levels: [level] })
  const repeated = recurring(others, last)
  const [interval] = model.intervals
  const daily = model.mean.map((mean, n) => {
    const date = addDays(last, n + 1)
    const fixed = repeated.on(date)
    return {
      date,
      predictedCost: rounded(mean + fixed),
      lowerBound: rounded((interval?.lower[n] ?? mean) + fixed),
      upperBound: rounded((interval?.upper[n] ?? mean) + fixed),
    }
  })
  const sumOf = (days: number): Range => {
    const { mean, lower, upper } = total(model, { to: days, level })
    const fixed = daily.slice(0, days).reduce((all, { date }) => all + repeated.on(date), 0)
    return {
      predictedCost: rounded(mean + fixed),
      lowerBound: rounded(lower + fixed),
      upperBound: rounded(upper + fixed),
    }
  }
  const accuracy = (): Forecast['accuracyMetrics'] => {
    const { mapePercent, rmse, mase, coverageRatio } = backtest(series, { level })
    const shown = (value: number | undefined) => (value === undefined ? null : rounded(value))
    return { mape: shown(mapePercent), rmse: shown(rmse), mase: shown(mase), coverage: shown(coverageRatio) }
  }
  return { costs, daily, sumOf, accuracy, seasons: model.periods, recurring: repeated.days, oneOffs: repeated.oneOffs }
}

/** The groups that cost most recently, each with its own forecast; with a conversion the lake may name more of them. */
function breakdownOf(rows: readonly GroupRow[], last: Day, input: Input): Forecast['breakdown'] {
  const recent = addDays(last, -recentDays)
  const [named, rest] = [rows.filter(({ isRest }) => !isRest), rows.filter(({ isRest }) => isRest)]
  const groups = [...Map.groupBy(named, ({ dimension }) => dimension)]
    .map(([value, own]) => {
      const cost = own.reduce((all, row) => all + (row.isUsage && row.day > recent ? Number(row.cost) : 0), 0)
      return { value, rows: own, cost }
    })
    .filter(({ cost }) => cost !== 0)
    .toSorted((a, b) => b.cost - a.cost || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
  const unnamed = input.groupBy === 'tag' ? '(untagged)' : '(none)'
  const line = (dimension: string, value: string | null, own: readonly GroupRow[]) => {
    const { true: used = [], false: others = [] } = Object.groupBy(own, ({ isUsage }) => `${isUsage}`)
    return { dimension, value, ...predict(used, others, last, input).sumOf(input.daysAhead) }
  }
  const others = [...rest, ...groups.slice(input.limit).flatMap((group) => group.rows)]
  return [
    ...groups.slice(0, input.limit).map(({ value, rows: own }) => line(value ?? unnamed, value, own)),
    ...(others.length > 0 ? [line('(other)', null, others)] : []),
  ]
}
