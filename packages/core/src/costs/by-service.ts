import * as z from 'zod'
import { addDays, addMonths, dayOf, Month, monthOf, monthSpan, type Span } from '../kernel/calendar.ts'
import type { Context } from '../effects/context.ts'
import type { Filter, Queries } from '../effects/queries.ts'
import { exactly, growth, descending, parse, withExact, zero } from '../kernel/money.ts'
import type { View } from '../lake/snapshot.ts'
import { question } from './answers.ts'
import { filtersOf, shared } from './ask.ts'
import { type Conversion, conversionOf, convert } from './convert.ts'
import {
  excludedCosts,
  completeUntil,
  filesFor,
  filtered,
  incomplete,
  Meta,
  metaOf,
  providersOf,
  unconverted,
  usualCurrency,
} from './scope.ts'

export const ByServiceInput = z.strictObject({
  month: Month.optional().describe("The current month. By default that of the lake's last complete day."),
  topResources: z
    .int()
    .min(0)
    .max(50)
    .default(5)
    .describe('Number of the most expensive resources of each service in the answer.'),
  ...shared,
})
type ByServiceInput = z.output<typeof ByServiceInput>

export const ByService = z.object({
  services: z.array(
    z.object({
      serviceName: z.string().describe('`(none)` where the bill names no service.'),
      provider: z.string(),
      ...exactly('currentMonth'),
      ...exactly('lastMonth', 'The whole month before.'),
      trend: z
        .number()
        .describe(
          'Change in percent. While the month is not over, its complete days against the same days of the month ' +
            'before. 0, 100 or -100 where those cost nothing.',
        ),
      trendIsFromZero: z
        .boolean()
        .describe('Whether the earlier days of the trend cost nothing, so that there is nothing to compare with.'),
      topResources: z.array(z.object({ resourceId: z.string(), ...exactly('cost') })),
    }),
  ),
  month: z.string(),
  currency: z.string(),
  trendDays: z
    .object({ startDate: z.string(), endDate: z.string() })
    .describe('The days of the month that the trend compares.'),
  meta: Meta,
})
type ByService = z.infer<typeof ByService>
type Row = Queries['costByService']['row']
type Trend = ReturnType<typeof growth>

export const byService = question(
  'costs.by-service',
  ByServiceInput,
  'read:costs',
  async (ctx, input, view, conversion: Conversion | undefined): Promise<ByService> => {
    const complete = completeUntil(view)
    const month = input.month ?? monthOf(complete ?? dayOf(input.asOf === undefined ? ctx.now() : new Date(input.asOf)))
    const current = monthSpan(month)
    const previous = monthSpan(addMonths(month, -1))
    const currency = conversion?.to ?? usualCurrency(view)
    const lake = reader(ctx, input, view, conversion)
    const { topResources } = input
    const sameDays = untilComplete(current, previous, complete)
    const [{ rows, rates }, toDate, resources, excluded] = await Promise.all([
      lake.services(current, previous),
      sameDays && lake.services(sameDays.current, sameDays.previous),
      topResources === 0 ? [] : lake.resources(current, topResources),
      excludedCosts(ctx, filesFor(ctx.orgId, lake.view, current)),
    ])
    const inCurrency = <Priced extends { currency: string }>(rows: readonly Priced[]) =>
      rows.filter((row) => row.currency === currency)
    const trends = new Map(
      inCurrency(toDate?.rows ?? rows).map((row) => [keyOf(row), growth(parse(row.current), parse(row.previous))]),
    )
    const missing = [
      ...unconverted(rows, (row) => row.current, currency, 'current'),
      ...unconverted(rows, (row) => row.previous, currency, 'previous'),
      ...incomplete(lake.view, current, { metric: input.metric, currency, excluded }),
    ]
    const top = Map.groupBy(inCurrency(resources), keyOf)
    return {
      services: inCurrency(rows)
        .toSorted(dearestFirst)
        .map((row) =>
          serviceOf(row, trends.get(keyOf(row)) ?? growth(zero, zero), top.get(keyOf(row)) ?? [], topResources),
        ),
      month,
      currency,
      trendDays: { startDate: current.start, endDate: sameDays?.current.end ?? current.end },
      meta: metaOf(input, view, currency, missing, rates),
    }
  },
  conversionOf,
)

function reader(ctx: Context, input: ByServiceInput, whole: View, conversion: Conversion | undefined) {
  const filters: Filter[] = filtersOf(ctx, input, providersOf(whole))
  const view = filtered(whole, filters)
  const parameters = { metric: input.metric, basis: input.basis, filters, convertTo: conversion?.to }
  const { lake } = ctx.runtime
  return {
    view,
    async services(span: Span, before: Span): ReturnType<typeof convert<Row>> {
      const source = filesFor(ctx.orgId, view, { start: before.start, end: span.end })
      const spans = { ...span, previousStart: before.start, previousEnd: before.end }
      if (source.files.costs.length === 0) return { rows: [] }
      const rows = await lake.query('costByService', source, { ...parameters, ...spans })
      return await convert(ctx, rows, ['current', 'previous'], conversion)
    },
    async resources(span: Span, perService: number): Promise<Queries['topResources']['row'][]> {
      const source = filesFor(ctx.orgId, view, span)
      const wanted = { ...parameters, ...span, perService }
      if (source.files.costs.length === 0) return []
      return (await convert(ctx, await lake.query('topResources', source, wanted), ['cost'], conversion)).rows
    },
  }
}

/** Of a month that has not ended, and the same days of the month before. */
export function untilComplete(
  current: Span,
  previous: Span,
  complete: string | null,
): { current: Span; previous: Span } | undefined {
  if (complete === null || complete < current.start || complete >= current.end) return undefined
  const sameDay = addDays(previous.start, Number(complete.slice(8)) - 1)
  return {
    current: { start: current.start, end: complete },
    previous: { start: previous.start, end: sameDay < previous.end ? sameDay : previous.end },
  }
}

function keyOf({ provider, service }: { provider: string; service: string | null }) {
  return JSON.stringify([provider, service])
}

function dearestFirst(a: Row, b: Row) {
  return (
    descending(parse(a.current), parse(b.current)) ||
    descending(parse(a.previous), parse(b.previous)) ||
    (keyOf(a) < keyOf(b) ? -1 : 1)
  )
}

function serviceOf(
  row: Row,
  trend: Trend,
  resources: readonly Queries['topResources']['row'][],
  most: number,
): ByService['services'][number] {
  return {
    serviceName: row.service ?? '(none)',
    provider: row.provider,
    ...withExact('currentMonth', parse(row.current)),
    ...withExact('lastMonth', parse(row.previous)),
    trend: trend.percent,
    trendIsFromZero: trend.isFromZero,
    topResources: resources
      .map(({ resourceId, cost }) => ({ resourceId, amount: parse(cost) }))
      .toSorted((a, b) => descending(a.amount, b.amount) || (a.resourceId < b.resourceId ? -1 : 1))
      .slice(0, most)
      .map(({ resourceId, amount }) => ({ resourceId, ...withExact('cost', amount) })),
  }
}
