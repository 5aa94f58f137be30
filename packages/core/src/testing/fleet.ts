import type { Queries, ResourceFilter, ResourceRow } from '../effects/queries.ts'
import type { Info } from '../lake/snapshot.ts'
import { lakeOf, snapshot } from './cost-lake.ts'

/** Of the worlds. */
export const now = '2026-11-29T06:00:00.000Z'

/** An unattached volume. */
export const resource = (id: string, more: Partial<ResourceRow> = {}): ResourceRow => ({
  id,
  aliases: '[]',
  provider: 'aws',
  accountId: '1',
  kind: 'volume',
  name: null,
  type: 'gp3',
  status: 'available',
  region: 'eu-central-1',
  zone: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  sizeGb: 100,
  iops: 3000,
  attachedTo: null,
  tags: '{}',
  configuration: '{}',
  takenAt: now,
  ...more,
})

type Charge = Queries['resourceCharges']['row']
export const charge = (id: string, effective: string, more: Partial<Charge> = {}): Charge => ({
  id,
  provider: 'AWS',
  account: '1',
  region: 'eu-central-1',
  meter: 'EUC1-EBS:VolumeUsage.gp3',
  service: 'Amazon Elastic Compute Cloud',
  currency: 'USD',
  effective,
  list: effective,
  quantity: '100',
  commitmentId: null,
  commitmentStatus: null,
  ...more,
})

/** A volume on 1 October. */
export const detached = (id: string): Queries['resourceChanges']['row'] => ({
  id,
  provider: 'aws',
  accountId: '1',
  kind: 'volume',
  change: 'detached',
  at: '2026-10-01T00:00:00.000Z',
  earlier: null,
  later: null,
})

export interface FleetWorld {
  resources: ResourceRow[]
  charges: Charge[]
  changes?: Queries['resourceChanges']['row'][]
  commitments?: Queries['commitmentCosts']['row'][]
  committed?: Queries['committedUse']['row'][]
  utilization?: Queries['utilizationLevels']['row'][]
}

/** Resources with their bill in a lake; `given` may change meanwhile. */
export async function fleetWorld(given: FleetWorld) {
  const bill = snapshot({ provider: 'AWS', period: '2026-11', at: now })
  const { ctx, runtime } = await lakeOf([{ ...bill, days: { first: '2026-01-01', last: '2026-11-28' } }])
  const answers: Partial<Record<keyof Queries, (asked: ResourceFilter) => unknown[]>> = {
    resources: (asked) => matching(given, asked),
    resourceCount: (asked) => [{ count: matching(given, asked).length }],
    resourceCharges: () => given.charges,
    resourceCosts: ({ ids = [] }) =>
      given.charges
        .filter(({ id }) => ids.includes(id ?? ''))
        .map(({ id, currency, effective: cost }) => ({ id, day: null, currency, cost })),
    resourceChanges: () => given.changes ?? [],
    commitmentCosts: () => given.commitments ?? [],
    committedUse: () => given.committed ?? [],
    utilizationLevels: () => given.utilization ?? [],
  }
  ctx.runtime.lake.query = async (name, _, asked) => (answers[name]?.(asked as ResourceFilter) ?? []) as never
  const partition = 'kind=inventory/aws/1'
  const inventory = {
    ...bill,
    id: partition,
    partition,
    kind: 'inventory',
    provider: 'aws',
    accountId: '1',
    takenAt: now,
  }
  const files = { resources: ['r'], resource_changes: ['c'] }
  await ctx.tables.inventoryPartitions.put(ctx.orgId, { ...inventory, files } as unknown as Info)
  await ctx.tables.heads.put(ctx.orgId, { id: 'inventory', version: 1, at: now, moves: [], excluded: [] })
  const found = () => runtime.events.filter(({ name }) => name === 'recommendation.found').length
  return { ctx: { ...ctx, now: () => new Date(now) }, runtime, found, given }
}

function matching({ resources }: FleetWorld, { kinds, ids, provider }: ResourceFilter): ResourceRow[] {
  return resources.filter(
    (row) =>
      kinds.includes(row.kind) &&
      (ids?.includes(row.id.toLowerCase()) ?? true) &&
      (provider === undefined || row.provider === provider),
  )
}
