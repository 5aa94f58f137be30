import { expect, test } from 'vitest'
import type { Queries, ResourceRow } from '../effects/lake.ts'
import { allRules } from '../rules/index.ts'
import type { Info } from '../lake/snapshot.ts'
import { lakeOf, snapshot } from '../testing/cost-lake.ts'
import { advise } from './advise.ts'
import { dismiss, list, reopen } from './recommendations.ts'
import { neededParts, subjectsOf } from './subjects.ts'

const now = '2026-11-29T06:00:00.000Z'

const resource = (id: string, more: Partial<ResourceRow> = {}): ResourceRow => ({
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
const charge = (id: string, effective: string, more: Partial<Charge> = {}): Charge => ({
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

const detached = (id: string): Queries['resourceChanges']['row'] => ({
  id,
  provider: 'aws',
  accountId: '1',
  kind: 'volume',
  change: 'detached',
  at: '2026-10-01T00:00:00.000Z',
  earlier: null,
  later: null,
})

interface World {
  resources: ResourceRow[]
  charges: Charge[]
  changes?: Queries['resourceChanges']['row'][]
}

async function world(given: World) {
  const bill = snapshot({ provider: 'AWS', period: '2026-11', at: now })
  const { ctx, runtime } = await lakeOf([{ ...bill, days: { first: '2026-01-01', last: '2026-11-28' } }])
  const answers: Partial<Record<keyof Queries, () => unknown[]>> = {
    resources: () => given.resources,
    resourceCount: () => [{ count: given.resources.length }],
    resourceCharges: () => given.charges,
    resourceChanges: () => given.changes ?? [],
  }
  ctx.runtime.lake.query = async (name) => (answers[name]?.() ?? []) as never
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
  return { ctx: { ...ctx, now: () => new Date(now) }, found, given }
}

test('a charge belongs to the resource of its account and id; a name is not taken from another resource', async () => {
  const { ctx } = await world({
    resources: [
      resource('orders', { kind: 'bucket' }),
      resource('arn:aws:rds:db:orders', { kind: 'database', aliases: '["orders"]' }),
      resource('vol-1', { accountId: '2' }),
      resource('vol-2', { aliases: '["arn:vol-2"]' }),
    ],
    charges: [charge('orders', '500'), charge('vol-1', '70'), charge('arn:vol-2', '9')],
  })
  const costs = (await subjectsOf(ctx)).subjects.map(({ id, cost }) => [id, cost?.parts.map((part) => part.cost)])
  expect(costs).toEqual([
    ['orders', ['500']],
    ['arn:aws:rds:db:orders', undefined],
    ['vol-1', undefined],
    ['vol-2', ['9']],
  ])
})

test('each kind whose lack a rule finds has the names of the APIs that read it', () => {
  const needed = new Set(allRules.flatMap(({ needs = [] }) => needs))
  expect([...needed].filter((kind) => !neededParts.some(([known]) => known === kind))).toEqual([])
})

test('a recommendation is announced once, when it saves enough and nobody dismissed its rule', async () => {
  const { ctx, found, given } = await world({
    resources: [resource('vol-1'), resource('vol-2')],
    charges: [charge('vol-1', '50'), charge('vol-2', '9.99')],
    changes: [detached('vol-1'), detached('vol-2')],
  })
  await advise(ctx)
  expect(found()).toBe(1)
  await advise(ctx)
  given.charges[1] = charge('vol-2', '500')
  await advise(ctx)
  expect(found()).toBe(2)
  const [largest] = (await list(ctx, {})).recommendations
  expect(largest).toMatchObject({ estimatedSavingsMonthly: 500, rule: 'aws-volume-unattached' })
  const { id = '' } = largest ?? {}
  await dismiss(ctx, { id, reason: 'kept' })
  await advise(ctx)
  await reopen(ctx, { id })
  await advise(ctx)
  expect(found()).toBe(2)
})

test('of an account whose changes were cut nobody knows since when a volume is unattached', async () => {
  const retagged = { ...detached('vol-9'), change: 'retagged' as const }
  const { ctx } = await world({
    resources: [resource('vol-1')],
    charges: [charge('vol-1', '50')],
    changes: Array.from({ length: 50_000 }, () => retagged),
  })
  await ctx.tables.cloudAccounts.put(ctx.orgId, {
    id: 'acc_1',
    provider: 'aws',
    accountId: '1',
    createdAt: '2026-01-01T00:00:00.000Z',
  } as never)
  expect((await subjectsOf(ctx)).subjects[0]).not.toHaveProperty('unchangedSince')
})
