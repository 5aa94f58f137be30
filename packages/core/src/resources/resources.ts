import * as z from 'zod'
import { Filter } from '../costs/ask.ts'
import { may } from '../kernel/actor.ts'
import { clouds } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'
import type { ResourceFilter, ResourceRow } from '../effects/queries.ts'
import { command } from '../guard/command.ts'
import { Fault } from '../kernel/fault.ts'
import { Page, paginationOf } from '../effects/paged.ts'
import { resourceChanges, type ResourceKind, resourceKinds, utilizationMetrics } from '../kernel/resource.ts'
import * as Executions from '../executions/executions.ts'
import * as Recommendations from '../recommendations/recommendations.ts'
import * as View from './resource-view.ts'

/** How the kinds of resources are grouped. */
export const groups = {
  compute: ['instance', 'scaling_group', 'function', 'container_service', 'cluster'],
  storage: ['volume', 'snapshot', 'image', 'bucket'],
  network: ['address', 'load_balancer', 'nat_gateway'],
  database: ['database', 'database_snapshot', 'cache', 'table'],
} as const satisfies Record<string, readonly ResourceKind[]>

const Input = Page.extend({
  provider: z.enum(clouds).optional(),
  accountId: z.string().min(1).max(128).optional().describe("The account's id in the cloud."),
  region: z.string().min(1).max(64).optional(),
  status: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('`running`, `stopped`, `terminated`, `available`, `in-use` ...'),
  kind: z.enum(resourceKinds).optional(),
  filters: z
    .array(Filter.refine(({ dimension }) => dimension === 'tag', 'must be a tag, as in filter[tag:team]'))
    .max(20)
    .default([])
    .describe('Repeats: `filter[tag:team]=blue`. Values of one tag are alternatives; tags must all hold.'),
})
type Input = z.output<typeof Input>

export const Common = z.object({
  id: z.string().describe('As in the bills of the cloud.'),
  name: z.string().nullable(),
  provider: z.enum(clouds),
  accountId: z.string(),
  kind: z.enum(resourceKinds),
  type: z.string().nullable().describe('Size or class, such as `m7g.large`.'),
  status: z.string(),
  region: z.string(),
  monthlyCost: z.number().describe('Effective cost of the last 30 complete days; 0 if the caller must not read costs.'),
  monthlyCostExact: z.string(),
  currency: z.string(),
  ageDays: z.int().nullable(),
  tags: z.record(z.string(), z.string()).nullable().describe('Null: the cloud does not tell them.'),
  takenAt: z.string().describe('When the cloud described the resource.'),
  recommendationsCount: z.int().describe('Active ones; `GET /v1/recommendations?resource_id=` lists them.'),
})

const score = z
  .int()
  .nullable()
  .describe(
    'Of a running instance: 100 if the busier of CPU and memory was at 60 % or more on average of the last 14 days, ' +
      'and proportionally less below. Of a volume: 100 if it is attached, 0 if not. Null without measurements.',
  )

export const Utilized = z.object({
  cpuAvg: z.number().nullable().describe('Percent, of the last 14 days.'),
  memoryAvg: z.number().nullable().describe('Percent, where an agent or the cloud reports it.'),
  networkGb: z.number().nullable().describe('In both directions, in the last 14 days.'),
})

export const Compute = Common.extend({ utilization: Utilized, optimizationScore: score })
export const Storage = Common.extend({
  sizeGb: z.number().nullable(),
  iops: z.number().nullable(),
  attachedTo: z.string().nullable(),
  snapshotCount: z.int(),
  optimizationScore: score,
})

type Answer<Key extends string, More> = Record<Key, (z.infer<typeof Common> & More)[]> & {
  pagination: ReturnType<typeof paginationOf>
}

/** A list of one group; `more` adds the fields of the group. */
function listed<Key extends string, More extends object>(
  group: keyof typeof groups,
  key: Key,
  more: (ctx: Context, rows: ResourceRow[]) => Promise<(row: ResourceRow) => More>,
) {
  return command(`resources.${group}`, Input, 'read:resources', async (ctx, input) => {
    const { rows, total } = await View.resourcesOf(ctx, filterOf(group, input), pageOf(input))
    const [costs, extra, advice] = await Promise.all([readableCosts(ctx, rows), more(ctx, rows), adviceOn(ctx, rows)])
    const items = rows.map((row, index) => ({ ...commonOf(ctx, row, costs, advice[index]), ...extra(row) }))
    return { [key]: items, pagination: paginationOf(input, total) } as Answer<Key, More>
  })
}

const noCosts: View.ResourceCosts = { byId: new Map(), span: undefined, usual: 'USD', taken: new Set() }

async function readableCosts(ctx: Context, rows: ResourceRow[], byDay = false): Promise<View.ResourceCosts> {
  return may(ctx.actor, 'read:costs') ? await View.costsOf(ctx, rows, byDay) : noCosts
}

function filterOf(
  group: keyof typeof groups,
  { kind, provider, accountId, region, status, filters }: Input,
): ResourceFilter {
  const kinds: readonly ResourceKind[] = groups[group]
  if (kind !== undefined && !kinds.includes(kind))
    throw new Fault('invalid', `The kind ${kind} is none of ${group}: use one of ${kinds.join(', ')}.`)
  const tags = filters.map(({ tagKey = '', values }) => ({ key: tagKey, values }))
  return { kinds: kind === undefined ? kinds : [kind], provider, accountId, region, status, tags }
}

const pageOf = ({ page, pageSize }: Input) => ({ limit: pageSize, offset: (page - 1) * pageSize })

async function adviceOn(ctx: Context, rows: readonly ResourceRow[]) {
  const named = rows.map(({ provider: cloud, accountId, id }) => ({ cloud, accountId, id }))
  return may(ctx.actor, 'read:recommendations') ? await Recommendations.ofResources(ctx, named) : []
}

/** None for a caller who must not read them. */
async function executionsOf(ctx: Context, row: ResourceRow): Promise<Executions.OfResource[]> {
  return may(ctx.actor, 'read:executions') ? await Executions.ofResource(ctx, row) : []
}

const dayMs = 86_400_000

function commonOf(
  ctx: Context,
  row: ResourceRow,
  costs: View.ResourceCosts,
  advice: readonly Recommendations.Public[] = [],
): z.infer<typeof Common> {
  const { id, name, provider, accountId, kind, type, status, region, createdAt, tags, takenAt } = row
  const age = createdAt === null ? null : Math.max(0, Math.floor((ctx.now().getTime() - Date.parse(createdAt)) / dayMs))
  return {
    id,
    name,
    provider,
    accountId,
    kind,
    type,
    status,
    region,
    takenAt,
    ...View.costFields(View.costOf(costs, row)),
    ageDays: age,
    recommendationsCount: advice.length,
    tags: tags === null ? null : (JSON.parse(tags) as Record<string, string>),
  }
}

const busyPercent = 60

function computeFields(row: ResourceRow, utilization: View.Utilization) {
  const measured = utilization.get(row.id.toLowerCase())
  const [cpuAvg, memoryAvg] = [View.averageOf(measured, 'cpu'), View.averageOf(measured, 'memory')]
  const busiest = Math.max(cpuAvg ?? -1, memoryAvg ?? -1)
  const isRated = row.kind === 'instance' && row.status === 'running' && busiest >= 0
  return {
    utilization: { cpuAvg, memoryAvg, networkGb: View.networkGb(measured) },
    optimizationScore: isRated ? Math.round(100 * Math.min(1, busiest / busyPercent)) : null,
  }
}

function storageFields(row: ResourceRow, counts: ReadonlyMap<string, number>) {
  const { id, kind, sizeGb, iops, attachedTo } = row
  const optimizationScore = kind !== 'volume' ? null : attachedTo === null ? 0 : 100
  return { sizeGb, iops, attachedTo, snapshotCount: counts.get(id) ?? 0, optimizationScore }
}

export const compute = listed('compute', 'resources', async (ctx, rows) => {
  const utilization = await View.utilizationOf(ctx, rows)
  return (row) => computeFields(row, utilization)
})

export const storage = listed('storage', 'volumes', async (ctx, rows) => {
  const counts = await View.snapshotCounts(
    ctx,
    rows.filter(({ kind }) => kind === 'volume').map(({ id }) => id),
  )
  return (row) => storageFields(row, counts)
})

const plainFields = async () => () => ({})
export const network = listed('network', 'resources', plainFields)
export const database = listed('database', 'resources', plainFields)

const State = z.record(z.string(), z.unknown()).nullable().describe('Null if the cloud did not list it.')

export const Detail = Common.extend({
  recommendations: z.array(Recommendations.Public).describe('The active ones.'),
  executions: z.array(Executions.OfResource).describe('That planned to change it, the newest first, 20 at most.'),
  aliases: z.array(z.string()),
  zone: z.string().nullable(),
  createdAt: z.string().nullable(),
  sizeGb: z.number().nullable(),
  iops: z.number().nullable(),
  attachedTo: z.string().nullable(),
  configuration: z.record(z.string(), z.unknown()).describe("By the cloud's own names."),
  costHistory: z.array(z.object({ day: z.string(), currency: z.string(), cost: z.number(), costExact: z.string() })),
  utilizationHistory: z.array(
    z.object({ hour: z.string(), metric: z.enum(utilizationMetrics), average: z.number(), maximum: z.number() }),
  ),
  changes: z
    .array(
      z.object({
        at: z.string().describe('When the cloud described it first.'),
        change: z.enum(resourceChanges),
        before: State,
        after: State,
      }),
    )
    .describe('Of the last 90 days, the newest first, 100 at most.'),
  snapshot: z
    .object({ partition: z.string(), id: z.string(), lakeVersion: z.int(), files: z.array(z.string()) })
    .nullable()
    .describe('Where the figures come from: the collection, its lake version and its files.'),
})

const mostChanges = 100

const stateOf = (json: string | null): z.output<typeof State> =>
  json === null ? null : (JSON.parse(json) as Record<string, unknown>)

/** One resource with its history. Throws Fault `not_found`. */
export const get = command(
  'resources.get',
  z.strictObject({ id: z.string().min(1).max(1024).describe('The id, or another name in bills, URL-encoded.') }),
  'read:resources',
  async (ctx, { id }): Promise<z.infer<typeof Detail>> => {
    const filter = { kinds: resourceKinds, ids: [id.toLowerCase()] }
    const { rows } = await View.resourcesOf(ctx, filter, { limit: 1, offset: 0 })
    const [row] = rows
    if (!row) throw new Fault('not_found', `There is no resource ${id}. It may not have been collected yet.`)
    const [costs, byDay, utilization, changes, snapshot, [advice = []], executions] = await Promise.all([
      readableCosts(ctx, rows),
      readableCosts(ctx, rows, true),
      View.utilizationOf(ctx, rows, true),
      View.changesOf(ctx, { ids: [row.id.toLowerCase()], start: '', end: ctx.now().toISOString(), limit: mostChanges }),
      View.snapshotOf(ctx, row),
      adviceOn(ctx, rows),
      executionsOf(ctx, row),
    ])
    const { zone, createdAt, sizeGb, iops, attachedTo } = row
    return {
      ...commonOf(ctx, row, costs, advice),
      recommendations: advice,
      executions,
      zone,
      createdAt,
      sizeGb,
      iops,
      attachedTo,
      aliases: View.listOf(row.aliases),
      configuration: JSON.parse(row.configuration) as Record<string, unknown>,
      costHistory: View.historyOf(byDay, row),
      utilizationHistory: (utilization.get(row.id.toLowerCase()) ?? []).flatMap(({ hour, metric, average, maximum }) =>
        hour === null ? [] : [{ hour, metric, average: View.round(average), maximum: View.round(maximum) }],
      ),
      changes: changes.map(({ at, change, earlier, later }) => ({
        at,
        change,
        before: stateOf(earlier),
        after: stateOf(later),
      })),
      snapshot,
    }
  },
)
