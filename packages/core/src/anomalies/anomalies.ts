import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { chargedAs } from '../effects/queries.ts'
import { Page, paged, Pagination } from '../effects/paged.ts'
import type { Note } from '../guard/audit.ts'
import { change, command, InvalidInput } from '../guard/command.ts'
import { Day } from '../kernel/calendar.ts'
import { Fault } from '../kernel/fault.ts'
import { closedOf, type Info, reopened, severities, statuses } from './anomaly.ts'
import * as Expected from './expected.ts'

export { statuses }

const Dimensions = z.record(z.string(), z.string())

export const Public = z.object({
  id: z.string(),
  detectedAt: z.string(),
  status: z.enum(statuses).describe('`withdrawn`: the provider corrected the costs, or another anomaly includes it.'),
  severity: z
    .enum(severities)
    .describe('By the amount in multiples of the smallest one that is reported, and by surprise.'),
  kind: z.enum(['spike', 'dip', 'shift', 'ramp']).describe('`shift`: a new level. `ramp`: it grew slowly.'),
  provider: z.string().nullable(),
  account: z.string().nullable(),
  service: z.string().describe('`(several)` if no service has most of it.'),
  region: z.string().describe('`(several)` if no region has most of it.'),
  dimensions: Dimensions.describe('The deepest series of costs that explains it; none for the total.'),
  startDate: z.string(),
  endDate: z.string(),
  isOpen: z.boolean().describe('It may still grow.'),
  chargedAs: z.enum(chargedAs).describe('`unused`: the part of commitments that nothing used.'),
  currency: z.string(),
  actualCost: z.number(),
  actualCostExact: z.string(),
  expectedCost: z.number(),
  lowerBound: z.number().describe('Costs from here to the upper bound are no anomaly.'),
  upperBound: z.number(),
  impactAmount: z.number().describe('The actual less the expected cost.'),
  deviationPercent: z.number().nullable().describe('Of the expected cost; null if nothing was expected.'),
  rootCause: z.string(),
  affectedResources: z.array(z.string()),
  note: z.string().nullable().describe('Of the user, or else of the mark.'),
  withdrawnBecause: z.string().nullable(),
  closedAt: z.string().nullable(),
  closedBy: z.string().nullable(),
  expectedBy: z.string().nullable().describe('The mark of expected costs that covers it.'),
  updatedAt: z.string(),
})

const Effect = z.object({
  quantity: z.string(),
  price: z.string(),
  before: z.string(),
  after: z.string(),
  unit: z.string(),
})

export const Detail = Public.extend({
  days: z.array(z.object({ date: z.string(), excess: z.number() })),
  shares: z
    .array(
      z.object({
        dimension: z
          .string()
          .describe('`service`, `account`, `region`, `usageType`, `resource`, or a tag as `tag:Team`.'),
        value: z.string().nullable().describe('Null: all others.'),
        excess: z.string(),
        percent: z.number(),
        change: z.enum(['new', 'gone', 'grown', 'shrunk', 'same']),
        effect: Effect.optional().describe('The excess by more or less usage and by price, and the usage.'),
      }),
    )
    .describe('Those of one dimension sum to the excess exactly.'),
  events: z
    .array(z.object({ day: z.string(), kind: z.string(), resource: z.string(), detail: z.string().optional() }))
    .describe('Changes of resources near it.'),
  alsoSeen: z.array(z.object({ dimensions: Dimensions, impact: z.number() })).describe('Series with the same excess.'),
  leftOut: z
    .array(Dimensions)
    .describe('Parts of the series with anomalies of their own, whose costs are in none of these figures.'),
})

function publicOf(info: Info): z.infer<typeof Public> {
  const {
    rootCause,
    dimensions,
    note = info.expectedNote ?? null,
    withdrawnBecause = null,
    closedAt = null,
    closedBy = null,
    expectedBy = null,
  } = info
  return {
    id: info.id,
    detectedAt: info.detectedAt,
    status: info.status,
    severity: info.severity,
    kind: info.kind,
    provider: info.provider,
    account: info.account,
    service: info.service,
    region: info.region,
    dimensions: { ...dimensions },
    startDate: info.first,
    endDate: info.last,
    isOpen: info.isOpen,
    chargedAs: info.charged,
    currency: info.currency,
    actualCost: Number(rootCause.actual),
    actualCostExact: rootCause.actual,
    expectedCost: info.expected,
    lowerBound: info.lower,
    upperBound: info.upper,
    impactAmount: Number((Number(rootCause.actual) - info.expected).toFixed(4)),
    deviationPercent: info.deviationPercent,
    rootCause: rootCause.sentence,
    affectedResources: rootCause.affectedResources,
    note,
    withdrawnBecause,
    closedAt,
    closedBy,
    expectedBy,
    updatedAt: info.updatedAt,
  }
}

export const List = z.object({ anomalies: z.array(Public), pagination: Pagination })

const Filter = Page.extend({
  startDate: Day.optional().describe('Those that end on this day or later.'),
  endDate: Day.optional().describe('Those that begin on this day or earlier.'),
  severity: z.enum(severities).optional(),
  status: z.enum(statuses).optional().describe('By default all but those that were withdrawn.'),
  provider: z.string().min(1).max(256).optional(),
  account: z.string().min(1).max(256).optional(),
  service: z.string().min(1).max(256).optional(),
})

/** By the day of the first alarm, the newest first. */
export const list = command(
  'anomalies.list',
  Filter,
  'read:anomalies',
  async (ctx, { page, pageSize, startDate, endDate, ...wanted }): Promise<z.infer<typeof List>> => {
    if (startDate !== undefined && endDate !== undefined && endDate < startDate)
      throw new InvalidInput([{ path: 'endDate', message: 'must not lie before the start date' }])
    const { items, pagination } = await paged(
      ctx.tables.anomalies,
      ctx.orgId,
      { page, pageSize },
      {
        where: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)),
        ...(wanted.status === undefined && { unless: { status: 'withdrawn' } }),
        atLeast: {
          expiresAt: Math.ceil(ctx.now().getTime() / 1000),
          ...(startDate !== undefined && { last: startDate }),
        },
        atMost: endDate === undefined ? {} : { first: endDate },
        descending: true,
      },
    )
    return { anomalies: items.map(publicOf), pagination }
  },
)

async function load(ctx: Context, id: string): Promise<Info> {
  const found = await ctx.tables.anomalies.get(ctx.orgId, id)
  if (!found) throw new Fault('not_found', `There is no anomaly ${id}.`)
  return found
}

const ById = z.strictObject({ id: z.string().min(1).max(256) })
const Closing = ById.extend({
  note: z.string().min(1).max(2_000).optional().describe('For colleagues: the reason, and what was done.'),
})

export const get = command(
  'anomalies.get',
  ById,
  'read:anomalies',
  async (ctx, { id }): Promise<z.infer<typeof Detail>> => {
    const info = await load(ctx, id)
    const { shares, events } = info.rootCause
    return {
      ...publicOf(info),
      days: info.excess.map(({ day, amount }) => ({ date: day, excess: amount })),
      shares,
      events,
      alsoSeen: info.alsoSeen.map((seen) => ({ ...seen, dimensions: { ...seen.dimensions } })),
      leftOut: (info.leftOut ?? []).map((part) => ({ ...part })),
    }
  },
)

export const resolve = change('anomalies.resolve', Closing, 'write:anomalies', (ctx, input, note) =>
  setStatus(ctx, input, 'resolved', note),
)

export const reopen = change('anomalies.reopen', Closing, 'write:anomalies', (ctx, input, note) =>
  setStatus(ctx, input, 'active', note),
)

const Ignoring = Closing.extend({
  expected: z
    .enum(['once', 'yearly'])
    .optional()
    .describe('Marks the costs of its series and days as expected, so that later ones are no anomaly.'),
})

export const ignore = change(
  'anomalies.ignore',
  Ignoring,
  'write:anomalies',
  async (ctx, { expected, ...input }, note) => {
    if (expected === undefined) return await setStatus(ctx, input, 'ignored', note)
    const info = await load(ctx, input.id)
    refuseWithdrawn(info)
    const { provider, account, service, region } = info.dimensions
    const [tagName, tagValue] = Object.entries(info.dimensions).find(([name]) => name.startsWith('tag:')) ?? []
    const id = info.id.replace('ano_', 'exp_')
    await Expected.store(ctx, id, {
      startDate: info.first,
      endDate: info.last,
      repeats: expected === 'yearly' ? 'yearly' : 'never',
      provider,
      account,
      service,
      region,
      ...(tagName !== undefined &&
        tagValue !== undefined && { tag: { key: tagName.slice('tag:'.length), value: tagValue } }),
      direction: info.impact > 0 ? 'more' : 'less',
      chargedAs: info.charged,
      currency: info.currency,
      note: input.note ?? info.rootCause.sentence,
    })
    return await setStatus(ctx, input, 'ignored', note, id)
  },
)

function refuseWithdrawn({ status, withdrawnBecause = '' }: Info): void {
  if (status === 'withdrawn') throw new Fault('conflict', `The anomaly was withdrawn. ${withdrawnBecause}`)
}

async function setStatus(
  ctx: Context,
  { id, note: given }: z.output<typeof Closing>,
  status: Info['status'],
  note: Note,
  expectedBy?: string,
): Promise<z.infer<typeof Public>> {
  await load(ctx, id)
  const at = ctx.now().toISOString()
  const { before, after } = await ctx.tables.anomalies.update(ctx.orgId, id, (info) => {
    refuseWithdrawn(info)
    const rejected = status === 'active' && info.expectedBy !== undefined && { rejectedMark: info.expectedBy }
    const closed = status === 'active' ? rejected : { closedAt: at, closedBy: ctx.actor.id, closedFor: closedOf(info) }
    // Its mark still covers an anomaly that is closed again.
    const isCovered = status !== 'active' && expectedBy === undefined
    const { note: known, ...open } = isCovered ? info : reopened(info)
    const note = given ?? known
    const noted = { ...(note !== undefined && { note }), ...(expectedBy !== undefined && { expectedBy }) }
    return { ...open, ...closed, ...noted, status, updatedAt: at }
  })
  const shown = (info: Info) => ({ status: info.status, note: info.note, expectedBy: info.expectedBy })
  note({ resourceType: 'anomaly', resourceId: id, before: shown(before), after: shown(after) })
  return publicOf(after)
}
