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
import type { Filter, Queries } from '../effects/queries.ts'
import { lookBackDays } from '../currencies/rates.ts'
import { addDays, type Day, dayOf, daysIn, monthOf, monthSpan } from '../kernel/calendar.ts'
import { parse, sum, toNumber } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { predict, Range, type Reach, reachOf, reconciled, rounded } from './cost-parts.ts'

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
    .describe('Forecasts of each line, moved in proportion to their size so that they sum to the total.'),
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
      .describe(
        'Tax, credits, purchases and adjustments that came within three days of this day of the last two months: they ' +
          'repeat. 31 is the end of each month.',
      ),
    oneOffs: z
      .number()
      .describe('The other tax, credits, purchases and adjustments of the history. They do not repeat.'),
  }),
  currency: z.string(),
  meta: Meta,
})
export type Forecast = z.infer<typeof Forecast>

type Row = Queries['costByDay']['row']
type ChargeRow = Queries['chargesByDay']['row']
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
    const asked = (categories: readonly string[]) => ({
      metric,
      basis,
      filters: [...filters, categoryOf(categories)],
      ...span,
    })
    const grouping = groupBy && groupedBy(ctx, { groupBy, tagKey })
    const { lake } = ctx.runtime
    const isEmpty = source.files.costs.length === 0
    const askUsage = async () =>
      await converted(
        isEmpty ? [] : await lake.query('costByDay', source, { ...asked([usage]), groupBy: 'billing_account' }),
      )
    const askCharges = async () =>
      await converted(isEmpty ? [] : await lake.query('chargesByDay', source, { ...asked(apart), ...grouping }))
    const askGroups = async () => {
      if (isEmpty || !grouping) return { rows: [] }
      const parameters = { ...asked([usage]), ...grouping, recent: addDays(last, 1 - recentDays), most }
      return await converted(await lake.query('costByGroup', source, parameters))
    }
    const [{ rows: used, rates }, { rows: others }, { rows: groups }, excluded] = await Promise.all([
      askUsage(),
      askCharges(),
      askGroups(),
      excludedCosts(ctx, source),
    ])
    const inCurrency = <Priced extends Row>(rows: readonly Priced[]) => rows.filter((row) => row.currency === currency)
    const reach = reachOf(view, last)
    const isComplete = ({ day, payer }: { day: Day; payer: string | null }) => day <= reach.until(payer)
    const usages = inCurrency(used)
      .map((row) => ({ ...row, payer: row.dimension }))
      .filter(isComplete)
    const charges = inCurrency(others).filter(isComplete)
    const made = await predict(usages, charges, last, reach, input)
    const { daily, sumOf } = made
    const { start: firstDay, end: lastOfMonth } = monthSpan(monthOf(addDays(last, 1)))
    const month = monthOf(firstDay)
    const toDate = sum([...usages, ...charges].filter(({ day }) => monthOf(day) === month).map(costOf))
    const rest = sumOf(daysIn({ start: last, end: lastOfMonth }) - 1, daysIn({ start: firstDay, end: last }))
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
      breakdown: reconciled(await breakdownOf(inCurrency(groups), charges, last, reach, input), ahead.predictedCost),
      accuracyMetrics: made.accuracy(),
      basedOn: {
        startDate: made.start,
        endDate: made.start === null ? null : last,
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

const costOf = ({ cost }: Pick<Row, 'cost'>) => parse(cost)

/** The groups that cost most recently, each with its own forecast; with a conversion the lake may name more of them. */
async function breakdownOf(
  rows: readonly GroupRow[],
  charges: readonly ChargeRow[],
  last: Day,
  reach: Reach,
  input: Input,
): Promise<Forecast['breakdown']> {
  const recent = addDays(last, -recentDays)
  const groups = [...Map.groupBy(rows, ({ dimension, isRest }) => (isRest ? undefined : dimension))]
    .map(([value, own]) => {
      const cost = own.reduce((all, row) => all + (row.day > recent ? Number(row.cost) : 0), 0)
      return { value, cost: value === undefined ? 0 : cost }
    })
    .filter(({ cost }) => cost !== 0)
    .toSorted((a, b) => b.cost - a.cost || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
    .slice(0, input.limit)
  const names = new Set(groups.map(({ value }) => value))
  const nameOf = ({ dimension }: ChargeRow | GroupRow) => (names.has(dimension) ? dimension : undefined)
  const used = Map.groupBy(rows, (row) => (row.isRest ? undefined : nameOf(row)))
  const others = Map.groupBy(charges, nameOf)
  const unnamed = input.groupBy === 'tag' ? '(untagged)' : '(none)'
  const line = async (value: string | null | undefined) => {
    const dimension = value === undefined ? '(other)' : (value ?? unnamed)
    const model = await predict(used.get(value) ?? [], others.get(value) ?? [], last, reach, input)
    return { dimension, value: value ?? null, ...model.sumOf(input.daysAhead) }
  }
  return await Promise.all([...names, undefined].filter((value) => used.has(value) || others.has(value)).map(line))
}
