import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { Page, paged } from '../effects/paged.ts'
import { change, command } from '../guard/command.ts'
import { chargedAs } from '../effects/queries.ts'
import { addDays, Day } from '../kernel/calendar.ts'
import { Fault, invalid } from '../kernel/fault.ts'
import { type Facts, isWithin } from './anomaly.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    expectedCosts: Table<Info>
  }
}

const text = z.string().min(1).max(1024)

const Mark = z.strictObject({
  startDate: Day,
  endDate: Day,
  repeats: z
    .enum(['never', 'yearly'])
    .default('never')
    .describe('`yearly`: each year on these days, give or take three.'),
  provider: text.optional().describe('As bills name it, such as `AWS`. Default: all.'),
  account: text.optional(),
  service: text.optional(),
  region: text.optional(),
  tag: z.strictObject({ key: text, value: text }).optional(),
  direction: z.enum(['more', 'less']).optional().describe('Than usual. Default: both.'),
  chargedAs: z
    .enum(chargedAs)
    .optional()
    .describe('`unused`: the part of commitments that nothing used. Default: both.'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional()
    .describe('Of the bill. Default: all.'),
  note: z.string().min(1).max(2_000).describe('The reason, such as a migration.'),
})

export const Public = Mark.extend({ id: z.string(), createdAt: z.string(), createdBy: z.string() })
export interface Info extends z.infer<typeof Public> {}

const driftDays = 3

/** The mark that expects a change of such costs: of the series or a whole of it, and most of it on its days. */
export function markOf(
  marks: readonly Info[],
  { dimensions, charged, currency, excess, impact }: Facts,
): Info | undefined {
  return marks.find((mark) => {
    const { provider, account, service, region, tag, direction } = mark
    if (direction !== undefined && (direction === 'more') !== impact > 0) return false
    if ((mark.chargedAs ?? charged) !== charged || (mark.currency ?? currency) !== currency) return false
    const tagged = tag ? { [`tag:${tag.key}`]: tag.value } : {}
    const named = Object.entries({ provider, account, service, region, ...tagged }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    )
    const own = excess.reduce((sum, { day, amount }) => sum + (isOn(mark, day) ? amount : 0), 0)
    return isWithin(dimensions, Object.fromEntries(named)) && own / impact >= 0.5
  })
}

function isOn({ startDate, endDate, repeats }: Info, day: Day): boolean {
  if (repeats === 'never') return startDate <= day && day <= endDate
  const years = [-1, 0, 1].map((more) => Number(day.slice(0, 4)) - Number(startDate.slice(0, 4)) + more)
  return years.some((later) => {
    if (later < 0) return false
    const [start, end] = [inYear(startDate, later), inYear(endDate, later)]
    const drift = later === 0 ? 0 : driftDays
    return addDays(start, -drift) <= day && day <= addDays(end, drift)
  })
}

/** 29 February becomes 1 March. */
function inYear(day: Day, later: number): Day {
  return addDays(`${Number(day.slice(0, 4)) + later}-${day.slice(5, 8)}01`, Number(day.slice(8)) - 1)
}

export const list = command('expected-costs.list', Page, 'read:anomalies', async (ctx, page) => {
  const { items, pagination } = await paged(ctx.tables.expectedCosts, ctx.orgId, page, { descending: true })
  return { expected: items.map((item) => Public.parse(item)), pagination }
})

export const create = change('expected-costs.create', Mark, 'write:anomalies', async (ctx, input, note) => {
  if (input.endDate < input.startDate) throw invalid('endDate', 'The end date', 'must not lie before the start date')
  const made = await store(ctx, ctx.newId('exp'), input)
  note({ resourceType: 'expected_cost', resourceId: made.id, after: input })
  return made
})

/** Idempotent by the id. */
export async function store(ctx: Context, id: string, mark: z.output<typeof Mark>): Promise<Info> {
  const made = { ...mark, id, createdAt: ctx.now().toISOString(), createdBy: ctx.actor.id }
  await ctx.tables.expectedCosts.put(ctx.orgId, made, [event(ctx, 'judgement.changed', {})])
  return made
}

const ById = z.strictObject({ id: z.string().min(1).max(256) })

export const remove = change('expected-costs.remove', ById, 'write:anomalies', async (ctx, { id }, note) => {
  const found = await ctx.tables.expectedCosts.get(ctx.orgId, id)
  if (!found) throw new Fault('not_found', `There is no expected cost ${id}.`)
  note({ resourceType: 'expected_cost', resourceId: id, before: Public.parse(found) })
  await ctx.tables.expectedCosts.remove(ctx.orgId, id, [event(ctx, 'judgement.changed', {})])
  return { success: true }
})
