import { describe, expect, test } from 'vitest'
import type * as Actor from '../kernel/actor.ts'
import * as AuditLog from '../guard/audit-log.ts'
import * as CloudAccountList from './cloud-account-list.ts'
import * as CloudAccounts from './cloud-accounts.ts'
import type { Context } from '../effects/context.ts'
import { permissionsOf } from '../kernel/permission.ts'
import type { CloudCredentials } from '../effects/runtime.ts'
import * as Raw from '../bills/raw.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt, eachTable, killedAt, processes } from '../testing/processes.ts'
import { removePurged } from './removal.ts'
import { memoryRuntime, testContext, over } from '../testing/runtime.ts'
import { refusal } from '../testing/identity.ts'

const account = '111111111111'
const blind: Actor.Actor = { kind: 'key', id: 'key_1', permissions: new Set(['read:accounts']) }

/** An organization with a connected account, whose bill is in the lake beside another one. */
async function connected() {
  const ctx = testContext(memoryRuntime())
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  const { id } = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
  const bill = (billingAccountId: string) => {
    const costs = [`lake/AWS/${billingAccountId}/2024-09/imp_1-1/costs-0.parquet`]
    const days = { first: '2024-09-01', last: '2024-09-30' }
    return {
      provider: 'AWS',
      billingAccountId,
      period: '2024-09',
      rows: 1,
      days,
      totals: [],
      control: [],
      formats: ['test'],
      kind: 'bill' as const,
      files: { costs, cost_rollup: [] },
    }
  }
  const partitions = [bill(account), bill('333333333333')]
  await Raw.writeManifest(ctx, { importId: 'imp_1', acceptedAt: ctx.now().toISOString(), files: [] })
  for (const { files } of partitions) await ctx.runtime.blobs.put(ctx.orgId, files.costs[0] ?? '', Buffer.from('x'))
  await Snapshot.commit(ctx, {
    snapshotId: 'imp_1',
    raw: 'imp_1',
    digest: 'd',
    siblings: 2,
    partitions,
    replace: true,
  })
  const bills = async () => (await Snapshot.view(ctx)).snapshots.map(({ billingAccountId }) => billingAccountId)
  return { ctx, id, bills }
}

/** The accounts that no answer contains. */
const excluded = async (ctx: Context) =>
  (await Snapshot.view(ctx)).excluded.map(({ cloud, accountId }) => `${cloud}/${accountId}`)

/** An organization, and an account that cannot be read. */
function failing() {
  const runtime = memoryRuntime()
  runtime.verification = { ok: false, problems: [], missing: [] }
  const [subscriptionId, tenantId, clientId] = ['1', '2', '3'].map(
    (n) => `a0000000-0000-4000-8000-00000000000${n}`,
  ) as [string, string, string]
  return { runtime, ctx: testContext(runtime), azure: { subscriptionId, tenantId, clientId, clientSecret: 'secret' } }
}

describe('disconnecting an account', () => {
  test('keeps its costs, or purges them, and forgets its credentials', async () => {
    for (const costs of ['keep', 'purge'] as const) {
      const { ctx, id, bills } = await connected()
      const purgedPartitions = costs === 'purge' ? 1 : 0
      expect(await CloudAccounts.disconnect(ctx, { id, costs })).toMatchObject({ success: true, purgedPartitions })
      expect(await bills()).toEqual(costs === 'purge' ? ['333333333333'] : [account, '333333333333'])
      expect((await CloudAccountList.list(ctx, {})).accounts).toEqual([])
      expect(await ctx.runtime.tables.cloudAccounts.all(ctx.orgId)).toEqual([])
      await expect(CloudAccounts.disconnect(ctx, { id })).rejects.toMatchObject({ code: 'not_found' })
      const { entries } = await AuditLog.list(ctx, { action: 'cloud-accounts.delete' })
      expect(entries).toMatchObject([
        { resourceId: id, before: { accountId: account, status: 'active' }, after: { costs, purgedPartitions } },
      ])
    }
  })

  /** A second account, which has no bill of its own. */
  async function member(ctx: Context) {
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    return await CloudAccounts.connectAws(ctx, { roleArn: 'arn:aws:iam::222222222222:role/Read', externalId })
  }

  test('excludes its costs from every answer, until it is connected again', async () => {
    const { ctx, bills } = await connected()
    const { id } = await member(ctx)
    const { version } = await Snapshot.head(ctx)
    expect(await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })).toEqual({ success: true, purgedPartitions: 0 })
    expect(await bills()).toEqual([account, '333333333333'])
    expect(await Snapshot.head(ctx)).toMatchObject({
      version: version + 1,
      excluded: [{ cloud: 'aws', accountId: '222222222222', cloudAccountId: id }],
    })
    await member(ctx)
    expect(await excluded(ctx)).toEqual([])
    expect((await Snapshot.head(ctx)).version).toBe(version + 2)
  })

  test('hides its own bills, and excludes what it has on those of others', async () => {
    const { ctx, id, bills } = await connected()
    expect(await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })).toMatchObject({ purgedPartitions: 1 })
    expect([await bills(), await excluded(ctx)]).toEqual([['333333333333'], [`aws/${account}`]])
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const again = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
    expect(await excluded(ctx)).toEqual([])
    await CloudAccounts.disconnect(ctx, { id: again.id, costs: 'purge' })
    expect(await excluded(ctx)).toEqual([`aws/${account}`])
  })

  test('lifts an exclusion by a verification, where the request that connected the account again was cut off', async () => {
    const { ctx } = await connected()
    await CloudAccounts.disconnect(ctx, { id: (await member(ctx)).id, costs: 'purge' })
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const dying = dyingAt(ctx, (noun) => noun === 'heads')
    const roleArn = 'arn:aws:iam::222222222222:role/Read'
    await expect(CloudAccounts.connectAws(dying, { roleArn, externalId })).rejects.toThrow('killed')
    expect(await excluded(ctx)).toEqual(['aws/222222222222'])
    await CloudAccounts.verify(ctx, { id: '222222222222' })
    expect(await excluded(ctx)).toEqual([])
  })

  test('purges its costs for good, also while it is being verified', async () => {
    const { ctx } = await connected()
    const { id } = await member(ctx)
    let [begun, goOn] = [(): void => undefined, (): void => undefined]
    const asked = new Promise<void>((resolve) => (begun = resolve))
    const answered = new Promise<void>((resolve) => (goOn = resolve))
    const verify = async () => {
      begun()
      await answered
      return { ok: true, problems: [], missing: [] }
    }
    const slow = { ...ctx.runtime, clouds: { ...ctx.runtime.clouds, aws: { ...ctx.runtime.clouds.aws, verify } } }
    const verified = refusal(CloudAccounts.verify(over(ctx, slow), { id }))
    await asked
    await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })
    goOn()
    expect(await verified).toMatchObject({ code: 'conflict' })
    expect(await excluded(ctx)).toEqual(['aws/222222222222'])
  })

  test('excludes nothing where it keeps the costs; and excludes an account before the first bill that names it', async () => {
    const { ctx, bills } = await connected()
    const kept = await CloudAccounts.disconnect(ctx, { id: (await member(ctx)).id, costs: 'keep' })
    expect([kept, await excluded(ctx)]).toEqual([{ success: true, purgedPartitions: 0 }, []])
    const { azure } = failing()
    const { id } = await CloudAccounts.connectAzure(ctx, azure)
    await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })
    expect(await excluded(ctx)).toEqual([`azure/${azure.subscriptionId}`])
    expect(await bills()).toEqual([account, '333333333333'])
  })

  test('that is cut off at any write goes on with the next call; from the first on nothing can be read with it', async () => {
    let instants = 0
    for (let isKilled = true; isKilled; instants++) {
      const { ctx, id, bills } = await connected()
      const writes = { left: instants }
      const { tables, blobs } = ctx.runtime
      const runtime = {
        ...ctx.runtime,
        tables: eachTable(tables, (table) => killedAt(table, writes)),
        blobs: killedAt(blobs, writes),
      }
      isKilled = await CloudAccounts.disconnect(over(ctx, runtime), { id, costs: 'purge' }).then(
        () => false,
        () => true,
      )
      const [left] = await tables.cloudAccounts.all(ctx.orgId)
      if (left?.removedAt !== undefined) {
        expect(left.sealed).toBe('')
        expect((await CloudAccountList.list({ ...ctx, actor: blind }, {})).total).toBe(0)
        await expect(CloudAccounts.verify(ctx, { id })).rejects.toMatchObject({ code: 'not_found' })
      }
      if (left) await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })
      expect([await bills(), await excluded(ctx)]).toEqual([['333333333333'], [`aws/${account}`]])
      await removePurged(ctx)
      expect((await ctx.runtime.blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)).toEqual([
        'lake/AWS/333333333333/2024-09/imp_1-1/costs-0.parquet',
      ])
      expect(await tables.accountClaims.all('identity')).toEqual([])
      expect(await tables.accountClaims.all(ctx.orgId)).toEqual([])
    }
    expect(instants).toBeGreaterThan(10)
  })

  test('while it is verified leaves nothing that holds others off, and of two others at once one gets it', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { ctx, runtime, azure } = failing()
      const { id } = await CloudAccounts.connectAzure(ctx, azure)
      let answer: () => void = () => undefined
      const answered = new Promise<void>((resolve) => (answer = resolve))
      const verify = async () => ({ ok: true, problems: [], missing: [] })
      runtime.clouds.azure.verify = async () => (await answered, await verify())
      const verified = refusal(CloudAccounts.verify(ctx, { id }))
      await CloudAccounts.disconnect(ctx, { id })
      answer()
      expect((await verified)?.code).toBe('conflict')
      runtime.clouds.azure.verify = verify
      const others = processes(2, runtime, seed).map((process, i) => ({ ...ctx, orgId: `org_${i}`, runtime: process }))
      const outcomes = await Promise.all(
        others.map(async (other) => await refusal(CloudAccounts.connectAzure(other, azure))),
      )
      expect(outcomes.map((fault) => fault?.code).toSorted()).toEqual(['conflict', undefined])
    }
  })

  test('is of its organization alone, and for those who may', async () => {
    const { ctx, id, bills } = await connected()
    for (const named of [id, account]) {
      await expect(
        CloudAccounts.disconnect({ ...ctx, orgId: 'org_other' }, { id: named, costs: 'purge' }),
      ).rejects.toMatchObject({ code: 'not_found' })
      await expect(CloudAccounts.verify({ ...ctx, orgId: 'org_other' }, { id: named })).rejects.toMatchObject({
        code: 'not_found',
      })
    }
    const devops: Actor.Actor = { kind: 'user', id: 'usr_1', permissions: permissionsOf('devops') }
    await expect(CloudAccounts.disconnect({ ...ctx, actor: devops }, { id })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(CloudAccounts.setupAws({ ...ctx, actor: devops }, {})).rejects.toMatchObject({ code: 'forbidden' })
    expect(await bills()).toHaveLength(2)
  })
})

test('the credentials that a cloud is asked with are those that were given', async () => {
  const asked: CloudCredentials[] = []
  const { ctx, runtime, azure } = failing()
  runtime.clouds.azure.verify = async (credentials) => (
    asked.push(credentials),
    { ok: true, problems: [], missing: [] }
  )
  const { id } = await CloudAccounts.connectAzure(ctx, azure)
  await CloudAccounts.verify(ctx, { id })
  const given = { cloud: 'azure', ...azure }
  expect(asked).toEqual([given, given])
})

describe('the list of accounts', () => {
  const query = async () => [
    { part: 'dimension', key: `/subscriptions/A0000000-0000-4000-8000-000000000001`, currency: 'USD', cost: '12.34' },
  ]

  test('says what each costs in the last month, to those who may know', async () => {
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

  test('says it in the currency of its bill, for the month that its own cloud has come to', async () => {
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
      { start, end }: { start: string; end: string },
    ) => {
      asked.push([file, start, end])
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
      '11': [20, '20', '2024-10', 'USD'],
      '01': [-8, '-8', '2024-09', 'EUR'],
      '09': [0, '0', null, null],
    })
    expect(asked.toSorted()).toEqual([
      ['aws', '2024-10-01', '2024-10-31'],
      ['azure', '2024-09-01', '2024-09-30'],
    ])
    expect(await spendOf({ ...ctx, currency: 'USD' })).toMatchObject({
      '11': [20, '20', '2024-10', 'USD'],
      '01': [3, '3', '2024-09', 'USD'],
    })
  })
})
