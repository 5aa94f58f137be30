import * as z from 'zod'
import * as ExchangeRate from '../currencies/rates.ts'
import { type FactorOf, factors, publicationOf } from '../currencies/factor.ts'
import type { Context } from '../effects/context.ts'
import type { Priced } from '../effects/queries.ts'
import { type Amount, one, parse, plain, zero } from '../kernel/money.ts'

export const Rates = z.object({
  source: z.string(),
  firstDay: z.string().describe('The day of the earliest publication that was used.'),
  lastDay: z.string().describe('The day of the latest publication that was used.'),
})
type Rates = z.infer<typeof Rates>

/** The currency of an answer, and the last publication with which it converts. */
export interface Conversion {
  to: string
  until: string
}

/** Undefined if neither the question nor the organization names a currency. */
export async function conversionOf(
  ctx: Context,
  asked: { currency?: string | undefined },
): Promise<Conversion | undefined> {
  const to = asked.currency ?? ctx.currency
  return to === undefined ? undefined : { to, until: (await ExchangeRate.held(ctx)).lastDay }
}

/** Amounts without a rate keep their currency and their day. */
export async function convert<Row extends Priced>(
  ctx: Context,
  rows: readonly Row[],
  amounts: readonly (keyof Row)[],
  conversion: Conversion | undefined,
): Promise<{ rows: Row[]; rates?: Rates }> {
  const days = rows.flatMap(({ rateDay }) => rateDay ?? [])
  if (!conversion || days.length === 0) return { rows: [...rows] }
  const [start, end] = [days.reduce((a, b) => (a < b ? a : b)), days.reduce((a, b) => (a > b ? a : b))]
  const publications = await ExchangeRate.publications(ctx, { start, end }, conversion.until)
  const published = new Map(publications.map((publication) => [publication.day, publication]))
  const rated = new Set<string>()
  const factorOf = factors(publications)
  const counted: FactorOf = (from, to, day) => {
    const factor = factorOf(from, to, day)
    if (factor) rated.add(day)
    return factor
  }
  const converted = convertRows(rows, amounts, conversion.to, counted)
  const used = Array.from(rated, (day) => publicationOf(published, day)?.day ?? day).toSorted()
  const [firstDay, lastDay] = [used[0], used.at(-1)]
  return { rows: converted, ...(firstDay && lastDay && { rates: { source: ExchangeRate.source, firstDay, lastDay } }) }
}

/** Rows that differ in amounts, currency and day only become one: exact, because only the factor is rounded. */
export function convertRows<Row extends Priced>(
  rows: readonly Row[],
  amounts: readonly (keyof Row)[],
  to: string,
  factorOf: FactorOf,
): Row[] {
  const merged = new Map<string, { row: Row; sums: Amount[] }>()
  // The rows of a query have the same columns.
  const names = (Object.keys({ rateDay: null, ...rows[0] }) as (keyof Row)[]).filter((name) => !amounts.includes(name))
  for (const row of rows) {
    const factor = row.currency === to ? one : row.rateDay ? factorOf(row.currency, to, row.rateDay) : undefined
    const kept = factor ? { ...row, currency: to, rateDay: null } : row
    const key = JSON.stringify(names.map((name) => kept[name]))
    const sums = amounts.map((name) => parse(String(row[name])).times(factor ?? one))
    const before = merged.get(key)?.sums
    merged.set(key, { row: kept, sums: sums.map((sum, at) => sum.plus(before?.[at] ?? zero)) })
  }
  return [...merged.values()].map(({ row, sums }) => ({
    ...row,
    ...Object.fromEntries(amounts.map((name, at) => [name, plain(sums[at] ?? zero)])),
  }))
}
