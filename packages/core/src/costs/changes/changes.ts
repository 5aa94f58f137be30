import * as z from 'zod'
import {
  addDays,
  addMonths,
  dayOf,
  daysIn,
  monthOf,
  monthSpan,
  Period,
  periodSpan,
  type Span,
} from '../../kernel/calendar.ts'
import { exactly, growth, toNumber, withExact } from '../../kernel/money.ts'
import type { View } from '../../lake/snapshot.ts'
import type { Context } from '../../effects/context.ts'
import type { LakeFiles } from '../../effects/lake.ts'
import { mostConverted } from '../../effects/queries.ts'
import { InvalidInput } from '../../guard/command.ts'
import { question } from '../answers.ts'
import { filtersOf, shared } from '../ask.ts'
import { type Conversion, conversionOf, convert } from '../convert.ts'
import {
  completeUntil,
  excludedCosts,
  filesFor,
  filtered,
  incomplete,
  Meta,
  metaOf,
  type Missing,
  providersOf,
  unconverted,
  usualCurrency,
} from '../scope.ts'
import { causesOf, changeBy, nameOf } from './causes.ts'
import { type Cause, type Leaf, type Node, type Sums, treeOf } from './tree.ts'

export const Input = z.strictObject({
  from: Period.optional().describe(
    'The period before: a month or days. By default the one just before `to`. It may also be a later one, so that the ' +
      'change has the opposite sign, or have common days with `to`, which count in both.',
  ),
  to: Period.optional().describe(
    'The period after. By default the one just after `from`, or else the last complete month of the lake.',
  ),
  limit: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('The maximum number of children of a node, by their absolute change; one more child sums up the others.'),
  ...shared,
})
type Input = z.output<typeof Input>

const described: Record<Cause, string> = {
  price: 'The same charges at another price of a unit, also by a discount or a commitment that covers them.',
  quantity: 'More or less of the same charges, at the price of the period before.',
  new: 'Charges of a resource and SKU that the period before did not have.',
  gone: 'Charges that the period after does not have.',
  currency:
    "Another exchange rate: from the pricing currency, where the bill has both amounts, or to the answer's currency.",
  credits: 'Credits, adjustments and corrections.',
  commitments: 'Purchases of commitments, and their unused share.',
  tax: 'Taxes.',
  other: 'Charges without a quantity, and the smallest changes of a large lake.',
}
const figures = { ...exactly('before'), ...exactly('after'), ...exactly('change'), causes: causesOf(described) }
const Resource = z.object({
  name: z.string().describe('`(none)` where the bill has no value, `(other)` for the children beyond the limit.'),
  value: z.string().nullable().describe('The value; null where the bill has none.'),
  ...figures,
})
const parent = <Child extends z.ZodType>(child: Child, described: string) =>
  Resource.extend({
    children: z.array(child).describe(`${described}; they sum to their parent. Empty after 2,000 nodes of the answer.`),
  })
const Service = parent(Resource, 'Resources')
const Account = parent(Service, 'Services')
const Provider = parent(Account, 'Accounts')

const Days = z.object({ startDate: z.string(), endDate: z.string(), days: z.int() })

export const Info = z.object({
  from: Days,
  to: Days,
  currency: z.string(),
  ...figures,
  changePercent: z.number().describe('0, 100 or -100 if the period before cost nothing.'),
  beforeIsZero: z
    .boolean()
    .describe('Whether the period before cost nothing, so that there is nothing to compare with.'),
  perDay: z
    .object({ before: z.number(), after: z.number(), change: z.number() })
    .describe('The cost of an average day, to compare periods of different length.'),
  providers: z.array(Provider).describe('They sum to the whole.'),
  meta: Meta.extend({
    sameLength: z.boolean().describe('Whether both periods have the same number of days.'),
    inOrder: z.boolean().describe('Whether `from` begins before `to`.'),
    commonDays: z.int().describe('Days of both periods, which count in both.'),
  }),
})
type Info = z.infer<typeof Info>

// More take too long to divide exactly; the others are summed by service. Converted ones have a row for each day.
const mostLeaves = { own: 10_000, converted: 1000 }

export const get = question(
  'costs.changes',
  Input,
  'read:costs',
  async (ctx, input, whole, conversion: Conversion | undefined): Promise<Info> => {
    const { from, to } = periodsOf(input, whole, input.asOf === undefined ? ctx.now() : new Date(input.asOf))
    const currency = conversion?.to ?? usualCurrency(whole)
    const filters = filtersOf(ctx, input, providersOf(whole))
    const view = filtered(whole, filters)
    const files = filesFor(ctx.orgId, view, from, to)
    const [{ rows, rates }, excluded] = await Promise.all([
      read(ctx, { ...input, filters }, files, [from, to], currency, conversion),
      excludedCosts(ctx, files),
    ])
    const missing = [
      ...unconverted(charged(rows, 'after'), ({ after }) => after, currency, 'current'),
      ...unconverted(charged(rows, 'before'), ({ before }) => before, currency, 'previous'),
      ...incomplete(view, to, { metric: input.metric, currency, excluded }),
      ...incomplete(view, from, { metric: input.metric, currency, excluded }),
    ]
    return {
      from: daysOf(from),
      to: daysOf(to),
      currency,
      ...answerOf(rows, currency, input.limit, from, to),
      meta: {
        ...metaOf(input, whole, currency, distinct(missing), rates),
        sameLength: daysIn(from) === daysIn(to),
        ...orderOf(from, to),
      },
    }
  },
  conversionOf,
)

async function read(
  ctx: Context,
  { metric, basis, filters }: Input,
  files: LakeFiles,
  [from, to]: readonly [Span, Span],
  currency: string,
  conversion: Conversion | undefined,
): ReturnType<typeof convert<Leaf>> {
  if (files.files.costs.length === 0) return { rows: [] }
  const spans = { ...to, previousStart: from.start, previousEnd: from.end }
  const leaves = conversion ? mostLeaves.converted : mostLeaves.own
  const parameters = { metric, basis, filters, ...spans, currency, leaves, convertTo: conversion?.to }
  const rows = await ctx.runtime.lake.query('costChanges', files, parameters)
  if (rows.length > mostConverted)
    throw new InvalidInput([
      { path: 'to', message: 'has too many amounts for one answer: ask for fewer days, or filter' },
    ])
  return await convert(ctx, rows, ['before', 'after', 'ratedBefore', 'ratedAfter'], conversion)
}

function answerOf(rows: readonly Leaf[], currency: string, limit: number, from: Span, to: Span) {
  const tree = treeOf(
    rows.filter((row) => row.currency === currency),
    limit,
  )
  const { percent, isFromZero } = growth(tree.after, tree.before)
  const [before, after] = [tree.before.div(daysIn(from)), tree.after.div(daysIn(to))]
  return {
    ...figuresOf(tree),
    changePercent: percent,
    beforeIsZero: isFromZero,
    perDay: { before: toNumber(before), after: toNumber(after), change: toNumber(after.minus(before)) },
    providers: tree.children.map(lineOf),
  }
}

type Line = z.infer<typeof Resource> & { children: Line[] }

function lineOf({ value, children, ...sums }: Node): Line {
  return { ...nameOf(value), ...figuresOf(sums), children: children.map(lineOf) }
}

function figuresOf({ before, after, causes }: Sums) {
  return { ...withExact('before', before), ...withExact('after', after), ...changeBy(described, causes) }
}

function periodsOf({ from, to }: Input, view: View, now: Date): { from: Span; to: Span } {
  const complete = completeUntil(view) ?? addDays(dayOf(now), -1)
  const month = monthOf(complete)
  const last = monthSpan(month).end <= complete ? month : addMonths(month, -1)
  return {
    from: from === undefined ? periodSpan(to ?? last, -1) : periodSpan(from),
    to: to === undefined ? (from === undefined ? monthSpan(last) : periodSpan(from, 1)) : periodSpan(to),
  }
}

function orderOf(from: Span, to: Span) {
  const [start, end] = [from.start > to.start ? from.start : to.start, from.end < to.end ? from.end : to.end]
  return { inOrder: from.start < to.start, commonDays: end < start ? 0 : daysIn({ start, end }) }
}

const daysOf = (span: Span) => ({ startDate: span.start, endDate: span.end, days: daysIn(span) })

const charged = (rows: readonly Leaf[], side: 'before' | 'after') => rows.filter((row) => row[side] !== '0')

/** Both periods may miss the same. */
function distinct(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((one) => [one.detail, one])).values()]
}
