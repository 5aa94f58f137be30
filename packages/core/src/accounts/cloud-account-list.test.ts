import { describe, expect, test } from 'vitest'
import type * as Actor from '../kernel/actor.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as CloudAccountList from './cloud-account-list.ts'
import * as CloudAccounts from './cloud-accounts.ts'

const account = '111111111111'
const blind: Actor.Actor = { kind: 'key', id: 'key_1', permissions: new Set(['read:accounts']) }

describe('the list of accounts', () => {
  const query = async () => [
    { part: 'dimension', key: `/subscriptions/A0000000-0000-4000-8000-000000000001`, currency: 'USD', cost: '12.34' },
  ]

  test('has the cost of each in the last month, for callers who may read costs', async () => {
    const runtime = memoryRuntime(() => ({ query: query as never }))
    const ctx = testContext(runtime)
    const ids = {
      subscriptionId: 'a0000000-0000-4000-8000-000000000001',
      tenantId: 'a0000000-0000-4000-8000-000000000002',
      clientId: 'a0000000-0000-4000-8000-000000000003',
    }
    await CloudAccounts.connectAzure(ctx, { ...ids, clientSecret: 'secret', accountName: 'production' })
    const days = { first: '2024-09-01', last: '2024-09-30' }
    const totals = [{ currency: 'USD', billed: '12.34', effective: '12.34', list: null, contracted: null }]
    const partition = {
      provider: 'Microsoft',
      billingAccountId: 'b',
      period: '2024-09',
      rows: 1,
      days,
      totals,
      control: [],
      formats: [],
      kind: 'bill' as const,
      files: { costs: ['c'], cost_rollup: ['r'] },
    }
    await Snapshot.commit(ctx, {
      snapshotId: 'imp_1',
      raw: 'imp_1',
      digest: 'd',
      siblings: 1,
      partitions: [partition],
      replace: true,
    })
    expect((await CloudAccountList.list(ctx, {})).accounts).toMatchObject([
      { accountName: 'production', monthlySpendExact: '12.34', spendMonth: '2024-09', currency: 'USD' },
    ])
    expect((await CloudAccountList.list({ ...ctx, actor: blind }, {})).accounts).toMatchObject([
      { monthlySpend: 0, spendMonth: null },
    ])
    expect((await CloudAccountList.list(ctx, { provider: 'aws' })).total).toBe(0)
    expect((await CloudAccountList.list(ctx, { provider: 'azure', status: 'active' })).total).toBe(1)
    expect((await CloudAccountList.list({ ...ctx, orgId: 'org_other' }, {})).total).toBe(0)
  })

  test('has the cost in the currency of the bill, of all its bills if it pays any, for the last month of its own cloud', async () => {
    const paid = [{ part: 'dimension', key: account, currency: 'USD', cost: '120.000000000000000001' }]
    const rows = {
      aws: [{ part: 'dimension', key: account, currency: 'USD', cost: '20' }],
      azure: [
        {
          part: 'dimension',
          key: '/subscriptions/a0000000-0000-4000-8000-000000000001',
          currency: 'EUR',
          cost: '-7.5',
        },
        {
          part: 'dimension',
          key: '/subscriptions/A0000000-0000-4000-8000-000000000001',
          currency: 'EUR',
          cost: '-0.5',
        },
        { part: 'dimension', key: '/subscriptions/a0000000-0000-4000-8000-000000000001', currency: 'USD', cost: '3' },
      ],
    }
    const asked: unknown[] = []
    const query = async (
      _: string,
      {
        files: {
          costs: [file],
        },
      }: { files: { costs: string[] } },
      { start, end, groupBy }: { start: string; end: string; groupBy: string },
    ) => {
      asked.push([file, start, end, groupBy])
      if (groupBy === 'billing_account') return file === 'aws' ? paid : []
      return file === 'azure' ? rows.azure : rows.aws
    }
    const ctx = testContext(memoryRuntime(() => ({ query: query as never })))
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
    const ids = {
      tenantId: 'a0000000-0000-4000-8000-000000000002',
      clientId: 'a0000000-0000-4000-8000-000000000003',
      clientSecret: 'secret',
    }
    for (const n of [1, 9])
      await CloudAccounts.connectAzure(ctx, { ...ids, subscriptionId: `a0000000-0000-4000-8000-00000000000${n}` })
    const bill = (provider: string, period: string, costs: string[]) => {
      const days = { first: `${period}-01`, last: `${period}-28` }
      return {
        provider,
        billingAccountId: 'b',
        period,
        rows: 1,
        days,
        totals: [],
        control: [],
        formats: [],
        kind: 'bill' as const,
        files: { costs, cost_rollup: [] },
      }
    }
    const partitions = [bill('AWS', '2024-10', ['aws']), bill('Microsoft', '2024-09', ['azure'])]
    await Snapshot.commit(ctx, {
      snapshotId: 'imp_1',
      raw: 'imp_1',
      digest: 'd',
      siblings: 2,
      partitions,
      replace: true,
    })
    const spendOf = async (given = ctx) => {
      const { accounts } = await CloudAccountList.list(given, {})
      return Object.fromEntries(
        accounts.map((one) => [
          one.accountId.slice(-2),
          [one.monthlySpend, one.monthlySpendExact, one.spendMonth, one.currency],
        ]),
      )
    }
    expect(await spendOf()).toEqual({
      '11': [120, '120.000000000000000001', '2024-10', 'USD'],
      '01': [-8, '-8', '2024-09', 'EUR'],
      '09': [0, '0', null, null],
    })
    expect(asked.toSorted()).toEqual([
      ['aws', '2024-10-01', '2024-10-31', 'account'],
      ['aws', '2024-10-01', '2024-10-31', 'billing_account'],
      ['azure', '2024-09-01', '2024-09-30', 'account'],
      ['azure', '2024-09-01', '2024-09-30', 'billing_account'],
    ])
    expect(await spendOf({ ...ctx, currency: 'USD' })).toMatchObject({
      '11': [120, '120.000000000000000001', '2024-10', 'USD'],
      '01': [3, '3', '2024-09', 'USD'],
    })
  })
})
