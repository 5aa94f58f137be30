import { describe, expect, test } from 'vitest'
import * as AuditLog from '../guard/audit-log.ts'
import * as CloudAccountList from './cloud-account-list.ts'
import * as CloudAccounts from './cloud-accounts.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Idempotency from '../guard/idempotency.ts'
import { refusal } from '../testing/identity.ts'
import { processes } from '../testing/processes.ts'
import { memoryRuntime, testContext, over } from '../testing/runtime.ts'

const [mine, theirs] = ['111111111111', '222222222222']
const roleOf = (account: string): string => `arn:aws:iam::${account}:role/CloudOptimaRead`
const secret = 'canary-client-secret'
const azure = {
  subscriptionId: 'A0000000-0000-4000-8000-000000000001',
  tenantId: 'a0000000-0000-4000-8000-000000000002',
  clientId: 'a0000000-0000-4000-8000-000000000003',
  clientSecret: secret,
}
const privateKey = '-----BEGIN PRIVATE KEY-----\ncanary-private-key\n-----END PRIVATE KEY-----\n'
const keyFile = {
  type: 'service_account',
  client_email: 'a@b-project.iam.gserviceaccount.com',
  private_key: privateKey,
  token_uri: 'https://evil.example',
}
const gcp = { projectId: 'my-project', serviceAccountJson: Buffer.from(JSON.stringify(keyFile)).toString('base64') }

function product() {
  const logged: unknown[] = []
  const note = (...input: unknown[]): void => void logged.push(input)
  const runtime = memoryRuntime()
  const ctx = testContext(runtime, { log: { info: note, warn: note, error: note } })
  return { runtime, ctx, other: { ...ctx, orgId: 'org_other' }, logged }
}

async function connect(ctx: Context, account = mine) {
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  return await CloudAccounts.connectAws(ctx, { roleArn: roleOf(account), externalId })
}

async function accountsOf(ctx: Context) {
  return (await CloudAccountList.list(ctx, {})).accounts
}

describe('an external id', () => {
  test('is issued anew each time, and appears in the link only', async () => {
    const { ctx } = product()
    const setups = [await CloudAccounts.setupAws(ctx, {}), await CloudAccounts.setupAws(ctx, {})]
    expect(new Set(setups.map(({ externalId }) => externalId)).size).toBe(2)
    expect(setups[0]).toMatchObject({
      principal: 'arn:aws:iam::999999999999:root',
      template: '{"read":true}',
      actTemplate: '{"act":true}',
    })
    expect(setups[0]?.quickCreateUrl).toContain(setups[0]?.externalId)
  })

  test('is refused if the customer made it, or if it belongs to another organization or account', async () => {
    const { ctx, other, runtime } = product()
    const [{ externalId: ours }, { externalId: others }] = [
      await CloudAccounts.setupAws(ctx, {}),
      await CloudAccounts.setupAws(other, {}),
    ]
    for (const externalId of ['chosen', others]) {
      await expect(CloudAccounts.connectAws(ctx, { roleArn: roleOf(mine), externalId })).rejects.toMatchObject({
        code: 'invalid',
        complaints: [{ path: 'externalId' }],
      })
    }
    await CloudAccounts.connectAws(ctx, { roleArn: roleOf(mine), externalId: ours })
    await expect(CloudAccounts.connectAws(ctx, { roleArn: roleOf(theirs), externalId: ours })).rejects.toMatchObject({
      code: 'invalid',
    })
    expect(await runtime.tables.cloudAccounts.all(ctx.orgId)).toHaveLength(1)
  })

  test('is bound to one account, also if two are connected with it at once', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { ctx, runtime } = product()
      const { externalId } = await CloudAccounts.setupAws(ctx, {})
      const at = processes(2, runtime, seed)
      const outcomes = await Promise.all(
        at.map(
          async (process, i) =>
            await refusal(
              CloudAccounts.connectAws(over(ctx, process), { roleArn: roleOf(i ? theirs : mine), externalId }),
            ),
        ),
      )
      expect(outcomes.map((fault) => fault?.code).toSorted()).toEqual(['invalid', undefined])
    }
  })

  test('can be used for its account again after a disconnection', async () => {
    const { ctx } = product()
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const { id } = await CloudAccounts.connectAws(ctx, { roleArn: roleOf(mine), externalId })
    await CloudAccounts.disconnect(ctx, { id })
    await expect(CloudAccounts.connectAws(ctx, { roleArn: roleOf(mine), externalId })).resolves.toMatchObject({
      status: 'active',
    })
  })

  test('is refused if the role does not require it, and nothing is stored', async () => {
    const { ctx, runtime } = product()
    runtime.verification = {
      ok: false,
      missing: [],
      problems: [{ code: 'external_id_not_required', message: 'Anyone can assume this role.' }],
    }
    await expect(connect(ctx)).rejects.toMatchObject({ code: 'invalid', complaints: [{ path: 'roleArn' }] })
    expect(await accountsOf(ctx)).toEqual([])
  })
})

describe('an account', () => {
  test.each([
    'arn:aws:iam::1:role/x',
    'arn:aws:iam::111111111111:user/x',
    'arn:aws:iam::111111111111:role/',
    ' ',
    `${roleOf(mine)} x`,
  ])('is no role %j', async (roleArn) => {
    const { ctx } = product()
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    await expect(CloudAccounts.connectAws(ctx, { roleArn, externalId })).rejects.toMatchObject({ code: 'invalid' })
  })

  test.each([
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('canary-private-key').toString('base64')],
    ['another kind of key', Buffer.from(JSON.stringify({ ...keyFile, type: 'authorized_user' })).toString('base64')],
    ['null', Buffer.from('null').toString('base64')],
  ])('of Google needs a key file: %s is refused without being repeated', async (_, serviceAccountJson) => {
    const fault = await refusal(
      CloudAccounts.connectGcp(product().ctx, { projectId: 'my-project', serviceAccountJson }),
    )
    expect(fault?.code).toBe('invalid')
    expect(JSON.stringify(fault)).not.toContain('canary')
  })

  test('is connected once, also by several requests at once, readable or not', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { ctx, runtime } = product()
      if (seed % 2)
        runtime.verification = {
          ok: false,
          problems: [],
          missing: [{ permission: 'ce:GetCostAndUsage', neededFor: 'costs' }],
        }
      const at = processes(3, runtime, seed)
      const outcomes = await Promise.all(
        at.map(async (process) => await refusal(CloudAccounts.connectAzure(over(ctx, process), azure))),
      )
      expect(outcomes.map((fault) => fault?.code).toSorted()).toEqual(['conflict', 'conflict', undefined])
      expect(await accountsOf(ctx)).toMatchObject([
        { accountId: azure.subscriptionId.toLowerCase(), status: seed % 2 ? 'error' : 'active' },
      ])
    }
  })

  test('of another organization is refused without naming it, until it is disconnected there', async () => {
    const { ctx, other } = product()
    const { id } = await connect(other)
    const fault = await refusal(connect(ctx))
    expect(fault?.code).toBe('conflict')
    expect(fault?.message).not.toMatch(new RegExp(`${id}|org_`))
    expect(await accountsOf(ctx)).toEqual([])
    await CloudAccounts.disconnect(other, { id })
    await expect(connect(ctx)).resolves.toMatchObject({ status: 'active' })
  })

  test('is connected to one of two organizations that connect it at once', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { ctx, other, runtime } = product()
      const [one, two] = processes(2, runtime, seed)
      const outcomes = await Promise.all([
        refusal(connect(over(ctx, one ?? runtime))),
        refusal(connect(over(other, two ?? runtime))),
      ])
      expect(outcomes.map((fault) => fault?.code).toSorted()).toEqual(['conflict', undefined])
      expect([...(await accountsOf(ctx)), ...(await accountsOf(other))]).toMatchObject([{ status: 'active' }])
    }
  })

  test('that cannot be read does not block another organization, which gets it if it can read it', async () => {
    const { ctx, other, runtime } = product()
    runtime.verification = { ok: false, problems: [{ code: 'credentials_refused', message: 'no' }], missing: [] }
    const { id } = await connect(ctx)
    runtime.verification = { ok: true, problems: [], missing: [] }
    await connect(other)
    await expect(CloudAccounts.verify(ctx, { id })).rejects.toMatchObject({ code: 'conflict' })
    expect(await accountsOf(ctx)).toMatchObject([{ status: 'error' }])
  })

  test('whose verification failed is stored as error with each missing permission, and can be verified again', async () => {
    const { ctx, runtime } = product()
    const missing = [{ permission: 'ce:GetCostAndUsage', neededFor: 'costs' }]
    runtime.verification = { ok: false, problems: [], missing, accountName: 'production' }
    const account = await connect(ctx)
    expect(account).toMatchObject({
      status: 'error',
      verificationStatus: 'failed',
      accountName: 'production',
      verification: { missing },
    })
    expect((await CloudAccounts.verify(ctx, { id: mine })).status).toBe('error')
    runtime.verification = { ok: true, problems: [], missing: [] }
    expect(await CloudAccounts.verify(ctx, { id: account.id })).toMatchObject({
      status: 'active',
      verification: { missing: [] },
    })
    expect((await AuditLog.list(ctx, { action: 'cloud-accounts.verify', pageSize: 1 })).entries).toMatchObject([
      { before: { status: 'error' }, after: { status: 'active' } },
    ])
  })

  test('whose cloud does not answer is pending', async () => {
    const { ctx, runtime } = product()
    runtime.clouds.azure.verify = async () => {
      throw new Fault('unavailable', 'Azure does not answer.')
    }
    expect(await CloudAccounts.connectAzure(ctx, azure)).toMatchObject({ status: 'pending', verification: null })
  })

  test('is the same if its request is repeated, also after a crash at any write', async () => {
    for (let crashAt = 0; crashAt < 12; crashAt++) {
      const { ctx, runtime } = product()
      let left = crashAt
      const clocked = { ...ctx, now: () => new Date(left < 0 ? '2026-11-23T08:10:00Z' : '2026-11-23T08:00:00Z') }
      const request = { key: 'key', request: { ...azure }, isSecret: true }
      const run = async (at: Context) => await CloudAccounts.connectAzure(at, azure)
      const { cloudAccounts, accountClaims } = runtime.tables
      const dying = { ...runtime, tables: Object.create(runtime.tables) as typeof runtime.tables }
      const dies = <Table extends object>(table: Table): Table =>
        Object.fromEntries(
          Object.entries(table).map(([verb, act]) => [
            verb,
            async (...input: unknown[]) =>
              left-- === 0
                ? await new Promise(() => undefined)
                : await (act as (...input: unknown[]) => unknown)(...input),
          ]),
        ) as Table
      Object.defineProperties(dying.tables, {
        cloudAccounts: { value: dies(cloudAccounts) },
        accountClaims: { value: dies(accountClaims) },
      })
      const first = Idempotency.once(over(clocked, dying), request, run).then(({ id }) => id)
      const id = await Promise.race([
        first,
        new Promise<undefined>((wake) => void setTimeout(() => wake(undefined), 5)),
      ])
      left = -1
      const again = await Idempotency.once(clocked, request, run)
      if (id !== undefined) expect(again.id).toBe(id)
      expect(await accountsOf(ctx)).toMatchObject([{ id: again.id, status: 'active' }])
    }
  })
})

test('no answer, audit entry or log contains credentials, and no table contains them unsealed', async () => {
  const { ctx, logged, runtime } = product()
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  const answers: unknown[] = [
    await CloudAccounts.connectAws(ctx, { roleArn: roleOf(mine), externalId }),
    await CloudAccounts.connectAzure(ctx, azure),
    await CloudAccounts.connectGcp(ctx, gcp),
    await refusal(CloudAccounts.connectAzure(ctx, azure)),
    await refusal(CloudAccounts.connectAzure(ctx, { ...azure, tenantId: secret })),
    await CloudAccounts.verify(ctx, { id: 'my-project' }),
    await CloudAccountList.list(ctx, {}),
  ]
  const kept = [
    await runtime.tables.cloudAccounts.all(ctx.orgId),
    await runtime.tables.audit.all(ctx.orgId),
    runtime.events,
  ]
  const everything = JSON.stringify([answers, kept, logged])
  for (const text of [secret, 'canary-private-key', gcp.serviceAccountJson, azure.clientId])
    expect(everything).not.toContain(text)
  expect(JSON.stringify([answers, logged])).not.toMatch(/sealed|roleArn":"/)
})
