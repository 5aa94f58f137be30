import { bucketOf, buckets, type Granularity, type Span } from '../kernel/calendar.ts'
import { descending, parse, percentOf, plain, sum, toNumber, zero, type Amount } from '../kernel/money.ts'
import type { Queries } from '../effects/lake.ts'
import type { Overview, OverviewInput } from './overview-schema.ts'

type Row = Queries['costOverview']['row']

export function sumOf(rows: readonly Pick<Row, 'cost'>[]): Amount {
  return sum(rows.map(({ cost }) => parse(cost)))
}

export function totalsBy<Row extends { cost: string }>(
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
    return { dimension, value, cost: toNumber(amount), costExact: plain(amount), percentage: percentOf(amount, total) }
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
  const totals = totalsBy(rows, ({ key }) => bucketOf(key ?? span.start, granularity))
  return buckets(span, granularity).map((date) => {
    const cost = totals.get(date) ?? zero
    return { date, cost: toNumber(cost), costExact: plain(cost) }
  })
}
