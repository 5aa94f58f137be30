import {
  addDays,
  dayOf,
  daysIn,
  spanBefore,
  type Span,
  bucketOf,
  buckets,
  type Granularity,
} from '../kernel/calendar.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import { type Filter, mostConverted, type Queries } from '../effects/queries.ts'
import { growth, withExact, descending, parse, percentOf, sum, totalsBy, zero, type Amount } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { question } from './answers.ts'
import { filtersOf, groupedBy } from './ask.ts'
import { type Conversion, conversionOf, convert } from './convert.ts'
import {
  excludedCosts,
  completeUntil,
  filesFor,
  filtered,
  incomplete,
  metaOf,
  type Missing,
  providersOf,
  unconverted,
  usualCurrency,
} from './scope.ts'
import { type Overview, OverviewInput } from './overview-schema.ts'

type Row = Queries['costOverview']['row']

const defaultDays = 30
const mostDays = 1096
const mostSteps = 1200

export const overview = question(
  'costs.overview',
  OverviewInput,
  'read:costs',
  async (ctx, input, whole, conversion: Conversion | undefined): Promise<Overview> => {
    const span = spanOf(ctx, input, whole)
    const before = spanBefore(span)
    const currency = conversion?.to ?? usualCurrency(whole)
    const filters = filtersOf(ctx, input, providersOf(whole))
    const view = filtered(whole, filters)
    const [{ rows, rates }, excluded] = await Promise.all([
      read(ctx, input, filters, view, [before, span], conversion),
      excludedCosts(ctx, filesFor(ctx.orgId, view, span)),
    ])
    const counted = (part: Row['part']) => rows.filter((row) => row.part === part && row.currency === currency)
    const total = sumOf(counted('day'))
    const totalBefore = sumOf(counted('previous'))
    const changed = growth(total, totalBefore)
    return {
      ...withExact('totalCost', total),
      currency,
      startDate: span.start,
      endDate: span.end,
      granularity: input.granularity,
      groupBy: input.groupBy,
      periodComparison: {
        ...withExact('previousPeriod', totalBefore),
        changePercent: changed.percent,
        previousIsZero: changed.isFromZero,
        startDate: before.start,
        endDate: before.end,
      },
      breakdown: breakdownOf(counted('dimension'), total, input),
      timeSeries: seriesOf(counted('day'), span, input.granularity),
      meta: metaOf(
        input,
        whole,
        currency,
        [...unconvertedIn(rows, currency), ...incomplete(view, span, { metric: input.metric, currency, excluded })],
        rates,
      ),
    }
  },
  conversionOf,
)

async function read(
  ctx: Context,
  input: OverviewInput,
  filters: Filter[],
  view: View,
  [before, span]: readonly [Span, Span],
  conversion: Conversion | undefined,
): ReturnType<typeof convert<Row>> {
  const source = filesFor(ctx.orgId, view, { start: before.start, end: span.end })
  if (source.files.costs.length === 0) return { rows: [] }
  const { metric, basis } = input
  const spans = { ...span, previousStart: before.start }
  const parameters = { metric, basis, filters, ...spans, ...groupedBy(ctx, input), convertTo: conversion?.to }
  const rows = await ctx.runtime.lake.query('costOverview', source, parameters)
  if (conversion && rows.length > mostConverted)
    tooLong('The answer has too many amounts to convert. Ask for fewer days.')
  return await convert(ctx, rows, ['cost'], conversion)
}

function unconvertedIn(rows: readonly Row[], currency: string): Missing[] {
  const of = (wanted: Row['part']) => rows.filter(({ part }) => part === wanted)
  const costOf = ({ cost }: Row) => cost
  return [
    ...unconverted(of('day'), costOf, currency, 'current'),
    ...unconverted(of('previous'), costOf, currency, 'previous'),
  ]
}

/** Throws Fault `invalid` if the days are too many for one answer. */
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

export function sumOf(rows: readonly Pick<Row, 'cost'>[]): Amount {
  return sum(rows.map(({ cost }) => parse(cost)))
}

/** The most expensive first, equal costs by name. */
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
    return { dimension, value, ...withExact('cost', amount), percentage: percentOf(amount, total) }
  }
  const lines = sorted.slice(0, limit).map(({ value, amount }) => line(value ?? unnamed, value, amount))
  const rest = sorted.slice(limit)
  return rest.length === 0 ? lines : [...lines, line('(other)', null, sum(rest.map(({ amount }) => amount)))]
}

/** 0 for steps without charges. */
export function seriesOf(
  rows: readonly Pick<Row, 'key' | 'cost'>[],
  span: Span,
  granularity: Granularity,
): Overview['timeSeries'] {
  const dateOf = ({ key }: Pick<Row, 'key'>) => bucketOf(key ?? span.start, granularity)
  const totals = totalsBy(rows, dateOf, ({ cost }) => cost)
  return buckets(span, granularity).map((date) => ({ date, ...withExact('cost', totals.get(date) ?? zero) }))
}
