import { bucketOf, buckets, type Granularity, type Span } from '../kernel/calendar.ts'
import { descending, parse, percentOf, sum, totalsBy, withExact, zero, type Amount } from '../kernel/money.ts'
import type { Queries } from '../effects/lake.ts'
import type { Overview, OverviewInput } from './overview-schema.ts'

type Row = Queries['costOverview']['row']

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
