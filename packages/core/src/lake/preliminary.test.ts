import { expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as Snapshot from './snapshot.ts'

interface Given {
  amount: string
  account?: string
  origin?: Snapshot.Origin
  replace?: boolean
  provider?: string
}

let number = 0

async function commit(ctx: Context, { amount, account = 'B', provider = 'Microsoft', origin, replace = false }: Given) {
  const candidate: Snapshot.Candidate = {
    kind: 'bill',
    provider,
    billingAccountId: account,
    period: '2026-11',
    rows: 1,
    days: { first: '2026-11-01', last: '2026-11-01' },
    totals: [{ currency: 'USD', billed: amount, effective: amount, list: null, contracted: null }],
    control: [],
    formats: ['focus'],
    files: { costs: [], cost_rollup: [] },
    ...(origin && { origin }),
  }
  const snapshotId = `imp_${++number}`
  const delivery = { snapshotId, raw: snapshotId, digest: snapshotId, siblings: 1, replace }
  return await Snapshot.commit(ctx, { ...delivery, partitions: [candidate] })
}

const amounts = async (ctx: Context) =>
  (await Snapshot.view(ctx)).snapshots.map(({ totals }) => totals[0]?.billed).toSorted()

const ofSubscription = (id: string): Snapshot.Origin => ({ source: `azure/${id}/focus/2026-11`, scope: id })
const queried = (accountId: string, payerId?: string): Snapshot.Origin => ({
  source: `aws/${accountId}/query/2026-11`,
  preliminary: { accountId, payerId },
})

test('exports of two subscriptions add up to their bill, and each replaces its own part', async () => {
  const ctx = testContext(memoryRuntime())
  await commit(ctx, { amount: '1', origin: ofSubscription('s1') })
  await commit(ctx, { amount: '2', origin: ofSubscription('s2') })
  await commit(ctx, { amount: '3', origin: ofSubscription('s1') })
  expect(await amounts(ctx)).toEqual(['2', '3'])
})

test('the whole bill ends its parts in one lake version, and a part comes no more', async () => {
  const ctx = testContext(memoryRuntime())
  await commit(ctx, { amount: '1', origin: ofSubscription('s1') })
  await commit(ctx, { amount: '2', origin: ofSubscription('s2') })
  await expect(commit(ctx, { amount: '9' })).rejects.toMatchObject({ code: 'invalid' })
  expect(await amounts(ctx)).toEqual(['1', '2'])
  const { lakeVersion } = await Snapshot.view(ctx)
  await commit(ctx, { amount: '9', replace: true })
  expect([await amounts(ctx), (await Snapshot.view(ctx)).lakeVersion]).toEqual([['9'], lakeVersion + 1])
  expect(await commit(ctx, { amount: '3', origin: ofSubscription('s1') })).toEqual([])
  expect(await amounts(ctx)).toEqual(['9'])
})

test('preliminary costs of a payer have those of its members, in either order', async () => {
  for (const order of [
    ['P', 'M'],
    ['M', 'P'],
  ]) {
    const ctx = testContext(memoryRuntime())
    for (const account of order)
      await commit(ctx, { amount: account, account, provider: 'AWS', origin: queried(account, 'P') })
    expect(await amounts(ctx)).toEqual(['P'])
  }
})

test('preliminary costs end with the bill of their payer or account, and not with the bill of another', async () => {
  const ctx = testContext(memoryRuntime())
  for (const account of ['M', 'X'])
    await commit(ctx, {
      amount: account,
      account,
      provider: 'AWS',
      origin: queried(account, account === 'M' ? 'P' : 'X'),
    })
  await commit(ctx, { amount: '5', account: 'P', provider: 'AWS' })
  expect(await amounts(ctx)).toEqual(['5', 'X'])
  expect(await commit(ctx, { amount: 'late', account: 'M', provider: 'AWS', origin: queried('M', 'P') })).toEqual([])
})

test('the same bill of two connected accounts stays with the first; a restatement of its source is accepted', async () => {
  const ctx = testContext(memoryRuntime())
  const from = (id: string): Snapshot.Origin => ({ source: `aws/${id}/focus/2026-11` })
  await ctx.tables.accountClaims.put(ctx.orgId, { id: 'aws/1', orgId: ctx.orgId, cloudAccountId: 'acc_1' })
  await commit(ctx, { amount: '1', provider: 'AWS', origin: from('1') })
  await expect(commit(ctx, { amount: '2', provider: 'AWS', origin: from('2') })).rejects.toMatchObject({
    code: 'invalid',
  })
  await commit(ctx, { amount: '3', provider: 'AWS', origin: from('1') })
  await ctx.tables.accountClaims.remove(ctx.orgId, 'aws/1')
  await commit(ctx, { amount: '4', provider: 'AWS', origin: from('2') })
  expect(await amounts(ctx)).toEqual(['4'])
})
