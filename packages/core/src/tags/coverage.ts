import * as z from 'zod'
import { question } from '../costs/answers.ts'
import { filtersOf, shared, virtualTagsOf } from '../costs/ask.ts'
import { type Conversion, conversionOf, convert } from '../costs/convert.ts'
import {
  completeUntil,
  excludedCosts,
  filesFor,
  filtered,
  incomplete,
  Meta,
  metaOf,
  providersOf,
  unconverted,
  usualCurrency,
} from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import { mostConverted, type Queries } from '../effects/queries.ts'
import { InvalidInput } from '../guard/command.ts'
import { addDays, Day, dayOf, daysIn, type Span } from '../kernel/calendar.ts'
import { type Amount, descending, exactly, parse, percentOf, sum, withExact } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { requiredTags, type Settings } from './settings.ts'

const defaultDays = 30
const mostDays = 1096

const Input = z
  .strictObject({
    startDate: Day.optional().describe('The first day. By default 29 days before `end_date`.'),
    endDate: Day.optional().describe('The last day, inclusive. By default the last complete day of the lake.'),
    most: z
      .int()
      .min(0)
      .max(100)
      .default(20)
      .describe('How many other tags, and values that are not allowed, are named.'),
    ...shared,
  })
  .refine(({ startDate, endDate }) => !startDate || !endDate || startDate <= endDate, {
    message: 'must not be before start_date',
    path: ['endDate'],
  })
type Input = z.output<typeof Input>

const percentage = z.number().describe('Of the total cost.')
const part = (described: string) => z.object({ ...exactly('cost'), percentage }).describe(described)

export const Coverage = z.object({
  ...exactly('totalCost'),
  currency: z.string(),
  startDate: z.string(),
  endDate: z.string(),
  required: z
    .array(
      z.object({
        key: z.string(),
        ...exactly('cost', 'Of charges with the tag: allowed, violating and virtual.'),
        percentage,
        allowed: part('On the bill, with an allowed value.'),
        violating: part('On the bill, with another value.'),
        virtual: part('By a rule of the organization alone.'),
        missing: part('Without the tag.'),
        violations: z
          .array(z.object({ value: z.string(), ...exactly('cost'), percentage }))
          .describe('The values that are not allowed, the largest cost first.'),
      }),
    )
    .describe(
      'The tags that the organization requires. `allowed`, `violating`, `virtual` and `missing` sum to the total.',
    ),
  others: z
    .array(z.object({ key: z.string(), ...exactly('cost'), percentage }))
    .describe('Other tags on the bills, by the cost of charges with them. Keys are spelled as on the bills.'),
  meta: Meta,
})
export type Coverage = z.infer<typeof Coverage>

interface State {
  conversion: Conversion | undefined
  required: Settings['required']
}

type Row = Queries['tagCoverage']['row']

/** How much of the cost carries each tag. */
export const coverage = question(
  'tags.coverage',
  Input,
  'read:costs',
  async (ctx, input, whole, state: State | undefined): Promise<Coverage> => {
    const { conversion, required } = state ?? { conversion: undefined, required: [] }
    const span = spanOf(ctx, input, whole)
    const currency = conversion?.to ?? usualCurrency(whole)
    const filters = filtersOf(ctx, input, providersOf(whole))
    const view = filtered(whole, filters)
    const source = filesFor(ctx.orgId, view, span)
    const { metric, basis, most } = input
    const tags = required.map((tag) => ({ ...tag, ...virtualTagsOf(ctx, tag.key) }))
    const asked = { metric, basis, filters, ...span, tags, most, convertTo: conversion?.to }
    const found = source.files.costs.length === 0 ? [] : await ctx.runtime.lake.query('tagCoverage', source, asked)
    if (conversion && found.length > mostConverted) tooLong('The answer has too many amounts to convert.')
    const [{ rows, rates }, excluded] = await Promise.all([
      convert(ctx, found, ['cost'], conversion),
      excludedCosts(ctx, source),
    ])
    const own = rows.filter((row) => row.currency === currency)
    const of = (wanted: Row['part']) => own.filter((row) => row.part === wanted)
    const total = sumOf(of('total'))
    const missing = [
      ...unconverted(
        rows.filter((row) => row.part === 'total'),
        ({ cost }) => cost,
        currency,
        'current',
      ),
      ...incomplete(view, span, { metric, currency, excluded }),
    ]
    return {
      ...withExact('totalCost', total),
      currency,
      startDate: span.start,
      endDate: span.end,
      required: required.map(({ key }) => requiredOf(key, own, total, most)),
      others: largest(of('other'), ({ key }) => key, total, most).map(({ name, ...rest }) => ({ key: name, ...rest })),
      meta: metaOf(input, whole, currency, missing, rates),
    }
  },
  async (ctx, input) => ({ conversion: await conversionOf(ctx, input), required: await requiredTags(ctx) }),
)

const sumOf = (rows: readonly Row[]): Amount => sum(rows.map(({ cost }) => parse(cost)))
const shown = (cost: Amount, total: Amount) => ({ ...withExact('cost', cost), percentage: percentOf(cost, total) })

function requiredOf(key: string, rows: readonly Row[], total: Amount, most: number): Coverage['required'][number] {
  const own = rows.filter((row) => row.key === key)
  const costOf = (...states: Row['state'][]) =>
    sumOf(own.filter((row) => row.part === 'tag' && states.includes(row.state)))
  const violations = own.filter((row) => row.part === 'violation')
  return {
    key,
    ...shown(costOf('allowed', 'violating', 'virtual'), total),
    allowed: shown(costOf('allowed'), total),
    violating: shown(costOf('violating'), total),
    virtual: shown(costOf('virtual'), total),
    missing: shown(costOf('missing'), total),
    violations: largest(violations, ({ value }) => value, total, most).map(({ name, ...rest }) => ({
      value: name,
      ...rest,
    })),
  }
}

function largest(rows: readonly Row[], nameOf: (row: Row) => string | null, total: Amount, most: number) {
  return [...Map.groupBy(rows, (row) => nameOf(row) ?? '')]
    .map(([name, own]) => ({ name, amount: sumOf(own) }))
    .toSorted((a, b) => descending(a.amount.abs(), b.amount.abs()) || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name, amount }) => ({ name, ...shown(amount, total) }))
}

function spanOf(ctx: Context, { startDate, endDate, asOf }: Input, view: View): Span {
  const last = completeUntil(view) ?? addDays(dayOf(asOf === undefined ? ctx.now() : new Date(asOf)), -1)
  const end = endDate ?? (startDate !== undefined && startDate > last ? startDate : last)
  const span = { start: startDate ?? addDays(end, 1 - defaultDays), end }
  if (daysIn(span) > mostDays) tooLong(`The coverage has at most ${mostDays} days (three years).`)
  return span
}

function tooLong(message: string): never {
  throw new InvalidInput([{ path: 'startDate', message: `${message} Ask for fewer days.` }])
}
