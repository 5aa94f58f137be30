import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import { clouds } from '../kernel/cloud.ts'
import * as Partition from '../kernel/partition.ts'
import * as CloudAccounts from '../accounts/cloud-accounts.ts'
import { removePurged } from '../accounts/purge.ts'
import * as Rebuild from '../bills/rebuild.ts'
import { overview } from '../costs/overview.ts'
import * as Organization from '../organization/organization.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { keyOf } from './datasets.ts'
import * as Export from './export.ts'
import { expire } from './retention.ts'
import * as Snapshot from './snapshot.ts'

const account = '111111111111'

const bill: Snapshot.Candidate = {
  kind: 'bill',
  provider: 'AWS',
  billingAccountId: '999999999999',
  period: '2024-09',
  rows: 2,
  days: { first: '2024-09-01', last: '2024-09-30' },
  totals: [{ currency: 'EUR', billed: '1', effective: '1', list: null, contracted: null }],
  control: [],
  formats: ['test'],
  files: { costs: ['costs'], cost_rollup: ['rollup'] },
}

const inventory = (snapshotId: string, takenAt: string): Snapshot.Candidate<'inventory'> => ({
  kind: 'inventory',
  provider: 'aws',
  accountId: account,
  rows: 3,
  takenAt,
  files: {
    resource_changes: [],
    resources: [`lake/kind=inventory/aws/${account}/${snapshotId}-1/resources-0.parquet`],
  },
})

async function commit(
  ctx: Context,
  snapshotId: string,
  ...partitions: Snapshot.Candidate<Partition.Kind>[]
): Promise<void> {
  for (const { files } of partitions)
    for (const key of Object.values(files).flat()) await ctx.runtime.blobs.put(ctx.orgId, key, Buffer.from('x'))
  const delivery = { snapshotId, raw: snapshotId, digest: snapshotId, siblings: partitions.length, replace: false }
  await Snapshot.commit(ctx, { ...delivery, partitions })
}

/** A lake with a bill and two inventories of an account, the second a day after the first. */
async function opened() {
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const asked: string[][] = []
  const runtime = memoryRuntime(() => ({
    query: async (_, { files }) => (asked.push(Object.values(files).flat()), []),
    export: async ({ files }) => (asked.push(Object.values(files).flat()), 1),
  }))
  const ctx = testContext(runtime, { now: () => new Date((ms += 1000)) })
  await commit(ctx, 'imp_bill', bill)
  await commit(ctx, 'inv_1', inventory('inv_1', '2026-11-23T08:00:00Z'))
  const between = new Date(ms)
  ms += 24 * 3600 * 1000
  await commit(ctx, 'inv_2', inventory('inv_2', '2026-11-24T08:00:00Z'))
  const seen = async (asOf?: Date) =>
    (await Snapshot.view(ctx, { kind: 'inventory', ...(asOf && { asOf }) })).snapshots.map(
      ({ snapshotId, version }) => `${snapshotId} v${version}`,
    )
  return { ctx, runtime, asked, between, seen, later: (days: number) => void (ms += days * 24 * 3600 * 1000) }
}

describe('the inventory of an account, a partition of another kind than a bill', () => {
  test('replaces the former inventory, keeps it in the history, and answers as_of', async () => {
    const { ctx, seen, between } = await opened()
    expect([await seen(), await seen(between), await seen(new Date(0))]).toEqual([['inv_2 v2'], ['inv_1 v1'], []])
    const view = await Snapshot.view(ctx, { kind: 'inventory' })
    expect(Snapshot.filesOf(ctx.orgId, view).files).toEqual({
      costs: [],
      cost_rollup: [],
      resources: inventory('inv_2', '').files.resources,
      resource_changes: [],
      utilization: [],
    })
  })

  test('is not replaced by an older state; the same state again replaces it', async () => {
    const { ctx, seen } = await opened()
    await expect(commit(ctx, 'inv_3', inventory('inv_3', '2026-11-23T23:59:59Z'))).rejects.toMatchObject({
      code: 'invalid',
    })
    expect(await seen()).toEqual(['inv_2 v2'])
    await commit(ctx, 'inv_4', inventory('inv_4', '2026-11-24T08:00:00Z'))
    expect(await seen()).toEqual(['inv_4 v3'])
  })

  test('has lake versions of its own, so that costs keep theirs; a delivery has one kind', async () => {
    const { ctx, seen } = await opened()
    const versions = async () => [(await Snapshot.head(ctx)).version, (await Snapshot.head(ctx, 'inventory')).version]
    expect(await versions()).toEqual([1, 2])
    const newer = inventory('inv_3', '2026-11-25T08:00:00Z')
    await expect(commit(ctx, 'inv_3', newer, bill)).rejects.toThrow('one kind')
    expect([await seen(), await versions()]).toEqual([['inv_2 v2'], [1, 2]])
    await commit(ctx, 'inv_3', newer)
    expect([await seen(), await versions()]).toEqual([['inv_3 v3'], [1, 3]])
  })

  test('does not affect costs: answers, exports and rebuilds read only bills', async () => {
    const { ctx, asked } = await opened()
    expect((await Snapshot.view(ctx)).snapshots).toMatchObject([{ kind: 'bill', snapshotId: 'imp_bill' }])
    const { meta, currency } = await overview(ctx, { startDate: '2024-09-01', endDate: '2024-09-30' })
    expect([meta.completeUntil, currency]).toEqual(['2024-09-30', 'EUR'])
    expect(await Export.toFocus(ctx, { version: '1.2', dir: '' })).toMatchObject([{ period: '2024-09' }])
    expect(new Set(asked.flat())).toEqual(new Set(['costs', 'rollup']))
    expect(await Rebuild.all(ctx)).toEqual([])
  })

  test('is removed in every version by the purge of its account; the bill of another account stays', async () => {
    const { ctx, seen, between } = await opened()
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const { id } = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
    expect(await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })).toMatchObject({ purgedPartitions: 1 })
    expect([await seen(), await seen(between)]).toEqual([[], []])
    await removePurged(ctx)
    expect((await ctx.runtime.blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)).toEqual([])
    expect((await Snapshot.view(ctx)).snapshots).toHaveLength(1)
    await commit(ctx, 'inv_3', inventory('inv_3', '2026-11-23T00:00:00Z'))
    expect(await seen()).toEqual(['inv_3 v4'])
  })

  test('expires like a bill after it was replaced', async () => {
    const { ctx, runtime, seen, between, later } = await opened()
    const settings = {
      ...Organization.founded(ctx.orgId, 'Example', 'usr_1', ctx.now()),
      retention: { snapshotDays: 30 },
    }
    await runtime.tables.organizations.put(ctx.orgId, settings)
    later(31)
    expect(await expire(ctx)).toBe(1)
    expect([await seen(), await seen(between)]).toEqual([['inv_2 v2'], []])
    expect((await Snapshot.view(ctx, { kind: 'inventory', asOf: between })).expired).toHaveLength(1)
    expect((await Snapshot.view(ctx, { asOf: between })).expired).toBeUndefined()
  })
})

test('keys of different kinds differ, for any names of accounts and providers', () => {
  const names = ['AWS', 'kind=inventory', 'inventory', '2024-09', 'a/b', 'kind%3Dinventory']
  const bills = names.flatMap((provider) =>
    names.flatMap((name) => names.map((period) => keyOf({ ...bill, provider, billingAccountId: name, period }))),
  )
  const others = clouds.flatMap((provider) =>
    names.flatMap((accountId) => {
      const owner = { ...inventory('inv', ''), provider, accountId }
      const days = names.map((day) => keyOf({ ...owner, kind: 'utilization', day, files: { utilization: [] } }))
      return [keyOf(owner), ...days]
    }),
  )
  const keys = [...bills, ...others]
  expect(new Set(keys).size).toBe(keys.length)
  expect(keyOf(bill)).toBe(Partition.key(bill))
  expect(keyOf(bill)).toBe('AWS/999999999999/2024-09')
})
