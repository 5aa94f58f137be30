import { describe, expect, test } from 'vitest'
import type * as Actor from '../kernel/actor.ts'
import * as AuditLog from '../guard/audit-log.ts'
import * as CloudAccountList from './cloud-account-list.ts'
import * as CloudAccounts from './cloud-accounts.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import { permissionsOf } from '../kernel/permission.ts'
import type { CloudCredentials } from '../effects/clouds.ts'
import * as Raw from '../bills/raw.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt, eachTable, killedAt, processes, wrapped } from '../testing/processes.ts'
import { removePurged } from './purge.ts'
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
  test('keeps or purges its costs, and removes its credentials', async () => {
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

  test('hides its own bills, and excludes its rows on the bills of others', async () => {
    const { ctx, id, bills } = await connected()
    expect(await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })).toMatchObject({ purgedPartitions: 1 })
    expect([await bills(), await excluded(ctx)]).toEqual([['333333333333'], [`aws/${account}`]])
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const again = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
    expect(await excluded(ctx)).toEqual([])
    await CloudAccounts.disconnect(ctx, { id: again.id, costs: 'purge' })
    expect(await excluded(ctx)).toEqual([`aws/${account}`])
  })

  test('a verification lifts the exclusion if the request that connected the account again was killed', async () => {
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

  test('purges its costs for good, also during a verification', async () => {
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

  test('excludes nothing if it keeps the costs; excludes an account also before the first bill names it', async () => {
    const { ctx, bills } = await connected()
    const kept = await CloudAccounts.disconnect(ctx, { id: (await member(ctx)).id, costs: 'keep' })
    expect([kept, await excluded(ctx)]).toEqual([{ success: true, purgedPartitions: 0 }, []])
    const { azure } = failing()
    const { id } = await CloudAccounts.connectAzure(ctx, azure)
    await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })
    expect(await excluded(ctx)).toEqual([`azure/${azure.subscriptionId}`])
    expect(await bills()).toEqual([account, '333333333333'])
  })

  test('killed at any write is completed by the next call; after the first write nothing reads the account', async () => {
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

  test('during a verification leaves no claim; of two other organizations at once, one connects it', async () => {
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

  test('removes no claim that another organization has taken meanwhile', async () => {
    const { ctx, id } = await connected()
    const claimed = `aws/${account}`
    const theirs = { id: claimed, orgId: 'org_other', cloudAccountId: 'acc_other' }
    const { tables } = ctx.runtime
    const late = eachTable(tables, (table, noun) =>
      wrapped(table, async (verb, call) => {
        if (noun === 'accountClaims' && verb === 'remove') await tables.accountClaims.put(noOrganization, theirs)
        return await call()
      }),
    )
    await CloudAccounts.disconnect(over(ctx, { ...ctx.runtime, tables: late }), { id })
    expect(await tables.accountClaims.get(noOrganization, claimed)).toEqual(theirs)
    expect(await tables.accountClaims.get(ctx.orgId, claimed)).toBeUndefined()
  })

  test('is limited to the own organization and needs permission', async () => {
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

test('the cloud is asked with the given credentials', async () => {
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
