import { setTimeout } from 'node:timers/promises'
import { routes } from '@cloudoptima/api'
import { CloudAccounts, Identity, nounsOf, noOrganization, planSources } from '@cloudoptima/core'
import { TOTP } from 'otpauth'
import { afterAll, describe, expect, test } from 'vitest'
import { adviceIn, executionIn } from '@cloudoptima/core/testing'
import { appWithLake } from '../../packages/api/src/fixture.ts'
import { takesKey } from '../../packages/api/src/route.ts'
import { bearer, operation, requestOf, type AppRequest, report } from './request.ts'

type World = Awaited<ReturnType<typeof appWithLake>>
type Input = Record<string, unknown>

const password = 'correct horse battery staple'
const azure = { subscription_id: '6b1f7c1e-8d2a-4f0b-9c3d-2e4a5b6c7d8e' }
const serviceAccount = {
  type: 'service_account',
  client_email: 'reader@example.com',
  private_key: '-----BEGIN PRIVATE KEY-----',
}

async function externalIdIn({ app }: World): Promise<unknown> {
  const setup = await app.request('/v1/cloud-accounts/aws/setup', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  })
  return ((await setup.json()) as Input)['external_id']
}

async function accountIn(world: World): Promise<string> {
  const { path, init } = requestOf(operation('cloud-accounts.connect-azure'), { input: azure })
  return ((await (await world.app.request(path, init)).json()) as { id: string }).id
}

async function importIn(world: World, isUploaded: boolean): Promise<string> {
  const { path, init } = requestOf(operation('imports.create'), { input: { files: [{ name: 'a.csv', bytes: 4 }] } })
  const { id } = (await (await world.app.request(path, init)).json()) as { id: string }
  if (isUploaded) await world.runtime.blobs.put(world.members.orgId, `uploads/${id}/0/00000`, Buffer.from('a,b\n'))
  return id
}

/** Creates an invitation and returns the token of its mail. */
async function invitationIn(world: World): Promise<string> {
  const { path, init } = requestOf(operation('invitations.create'), {
    input: { email: 'guest@example.com', role: 'viewer' },
  })
  await world.app.request(path, init)
  const event = world.runtime.events.findLast(({ name }) => name === 'mail.requested')
  if (event) await Identity.Letters.send(world.ctx, event as Parameters<typeof Identity.Letters.send>[1])
  return /"token":"([^"]+)"/.exec(world.runtime.mails.at(-1)?.text ?? '')?.[1] ?? ''
}

/** A token as mailed to the admin. */
async function mailedIn(world: World, kind: 'verify-email' | 'reset-password'): Promise<string> {
  return await Identity.MailedToken.mint(
    { ...world.ctx, orgId: world.members.orgId },
    kind,
    world.members.users.admin.id,
  )
}

/** Starts, or enables, the admin's second factor. Returns its code generator. */
async function factorIn(world: World, isConfirmed: boolean): Promise<TOTP> {
  const begin = requestOf(operation('totp.begin'), { input: { password } })
  const { secret } = (await (await world.app.request(begin.path, begin.init)).json()) as { secret: string }
  const totp = new TOTP({ secret })
  if (!isConfirmed) return totp
  const confirm = requestOf(operation('totp.confirm'), {
    input: { code: totp.generate({ timestamp: world.clock.now }) },
  })
  await world.app.request(confirm.path, confirm.init)
  // A code works once, so the next one needs the next time step.
  world.clock.now += 30_000
  return totp
}

/** The id of an anomaly that is open. */
async function anomalyIn({ runtime, members }: World): Promise<string> {
  const [status, severity, kind] = ['active', 'high', 'spike'] as const
  const rootCause = { sentence: 'EC2 cost more.', actual: '12.5', shares: [], affectedResources: [], events: [] }
  const amounts = {
    seriesCost: 12.5,
    expected: 10,
    lower: 9,
    upper: 11,
    impact: 2.5,
    deviationPercent: 25,
    surprise: 2,
  }
  const days = { first: '2026-10-03', last: '2026-10-03', alarmOn: '2026-10-03', knownSince: '2026-01-01' }
  const at = '2026-10-04T00:00:00.000Z'
  const id = 'ano_01jf3m8x5cq2w7n4t6v9b0d1e2'
  await runtime.tables.anomalies.put(members.orgId, {
    ...amounts,
    ...days,
    id,
    status,
    severity,
    kind,
    rootCause,
    isOpen: false,
    excess: [{ day: days.first, amount: 2.5, cost: 12.5 }],
    alsoSeen: [],
    lakeVersion: 1,
    expiresAt: 9_999_999_999,
    dimensions: { provider: 'AWS' },
    provider: 'AWS',
    account: null,
    service: 'EC2',
    region: '(several)',
    charged: 'usage',
    currency: 'USD',
    detectedAt: at,
    updatedAt: at,
  })
  return id
}

/** A cloud that holds tags. */
async function tagged({ runtime }: World): Promise<void> {
  const tags: Record<string, string> = { team: 'before' }
  runtime.cloud.tags = async (_, resources) => resources.map(({ id }) => ({ id, tags: { ...tags } }))
  runtime.cloud.retag = async (_, changes) =>
    changes.map(({ resource: { id }, set, remove }) => {
      for (const key of Object.keys(remove)) delete tags[key]
      Object.assign(tags, set)
      return { id }
    })
}

const vm = `/subscriptions/${azure.subscription_id}/vm`

/** The id of an execution of an action on one resource, which another user requested. */
async function executionOf({ members }: World, status: 'awaiting_approval' | 'succeeded'): Promise<string> {
  const state = status === 'succeeded' ? 'done' : 'planned'
  return (await executionIn(members.ctx, { status, requestedBy: members.users.engineer.id }, { state })).id
}

/** The id of an account with credentials for actions. */
async function actingAccountIn(world: World): Promise<string> {
  const id = await accountIn(world)
  const ctx = { ...world.ctx, orgId: world.members.orgId }
  await CloudAccounts.allowActions(ctx, { id, clientId: 'client', clientSecret: 'secret' })
  return id
}

/** The id of a bulk tag whose tag stands. */
async function bulkTagIn(world: World): Promise<string> {
  const { runtime, members } = world
  const account = await actingAccountIn(world)
  const id = 'tag_01jf3m8x5cq2w7n4t6v9b0d1e2'
  await runtime.tables.bulkTags.put(members.orgId, {
    id,
    at: '2026-11-23T08:00:00.000Z',
    by: members.users.admin.id,
    tags: { team: 'after' },
    overwrite: true,
    expiresAt: 9_999_999_999,
    resources: [
      {
        resourceId: vm,
        provider: 'azure',
        accountId: azure.subscription_id,
        state: 'updated',
        changes: [{ key: 'team', before: 'earlier', after: 'before' }],
        skipped: [],
        canAct: true,
        error: null,
        undo: null,
        target: { id: vm, kind: 'instance', region: 'westeurope', cloudAccountId: account },
      },
    ],
  })
  return id
}

/** The input of each operation, and a second valid input where the operation allows another one. */
const cases: Record<string, (world: World) => Promise<{ input: Input; other?: Input }>> = {
  'auth.register': async () => ({
    input: { email: 'new@example.com' },
    other: { email: 'new@example.com', company_name: 'Another' },
  }),
  'auth.verify-email': async (world) => {
    const token = await mailedIn(world, 'verify-email')
    await world.runtime.tables.users.put(world.members.orgId, { ...world.members.users.admin, emailVerified: false })
    return { input: { token }, other: { token: `${token.slice(0, -1)}x` } }
  },
  'auth.forgot-password': async () => ({
    input: { email: 'admin@org-test.example' },
    other: { email: 'viewer@org-test.example' },
  }),
  'auth.reset-password': async (world) =>
    ((token) => ({ input: { token, new_password: `${password} 2` }, other: { token, new_password: `${password} 3` } }))(
      await mailedIn(world, 'reset-password'),
    ),
  'auth.change-password': async () => ({
    input: { current_password: password, new_password: `${password} 2` },
    other: { current_password: password, new_password: `${password} 3` },
  }),
  'totp.begin': async () => ({ input: { password } }),
  'totp.confirm': async (world) => ({
    input: { code: (await factorIn(world, false)).generate({ timestamp: world.clock.now }) },
    other: { code: '000000' },
  }),
  'totp.disable': async (world) => {
    const code = (await factorIn(world, true)).generate({ timestamp: world.clock.now })
    return { input: { password, code }, other: { password, code: '000000' } }
  },
  'auth.resend-verification': async (world) => {
    await world.runtime.tables.users.put(world.members.orgId, { ...world.members.users.admin, emailVerified: false })
    return { input: {} }
  },
  'invitations.accept': async (world) =>
    ((token) => ({ input: { token, password }, other: { token, password: `${password}!` } }))(
      await invitationIn(world),
    ),
  'invitations.create': async () => ({
    input: { email: 'guest@example.com' },
    other: { email: 'guest@example.com', role: 'viewer' },
  }),
  'users.deactivate': async ({ members }) => ({
    input: { id: members.users.viewer.id },
    other: { id: members.users.cfo.id },
  }),
  'users.reactivate': async (world) => {
    const { users, orgId } = world.members
    await world.runtime.tables.users.put(orgId, { ...users.viewer, isActive: false })
    return { input: { id: users.viewer.id }, other: { id: users.cfo.id } }
  },
  'api-keys.create': async () => ({ input: { name: 'one' }, other: { name: 'another' } }),
  'cloud-accounts.setup-aws': async () => ({ input: {} }),
  'cloud-accounts.connect-aws': async (world) =>
    ((external_id) => ({ input: { external_id }, other: { external_id, account_name: 'another' } }))(
      await externalIdIn(world),
    ),
  'cloud-accounts.connect-azure': async () => ({ input: azure, other: { ...azure, client_secret: 'another' } }),
  'cloud-accounts.connect-gcp': async () => {
    const service_account_json = Buffer.from(JSON.stringify(serviceAccount)).toString('base64')
    return { input: { service_account_json }, other: { service_account_json, account_name: 'another' } }
  },
  'cloud-accounts.verify': async (world) => ({ input: { id: await accountIn(world) }, other: { id: 'acc_other' } }),
  'cloud-accounts.sync': async (world) => {
    const id = await accountIn(world)
    await planSources({ ...world.ctx, orgId: world.members.orgId }, id)
    world.runtime.sent.length = 0
    return { input: { id, kinds: ['bills'] }, other: { id, kinds: ['inventory'] } }
  },
  ...Object.fromEntries(
    ['resolve', 'ignore', 'reopen'].map((verb) => [
      `anomalies.${verb}`,
      async (world: World) => {
        const anomaly = await anomalyIn(world)
        return { input: { id: anomaly, note: 'one' }, other: { id: anomaly, note: 'another' } }
      },
    ]),
  ),
  'policies.execute': async (world) => {
    const { path, init } = requestOf(operation('policies.create'))
    const { policy_id: id } = (await (await world.app.request(path, init)).json()) as { policy_id: string }
    return { input: { id }, other: { id: 'pol_other' } }
  },
  'policies.create': async () => ({ input: {}, other: { name: 'another' } }),
  'policies.create-from': async () => ({ input: { id: 'off-hours' }, other: { id: 'untagged' } }),
  'recommendations.apply': async (world) => {
    const { id } = await adviceIn(
      { tables: world.runtime.tables, orgId: world.members.orgId },
      { id: 'rec_one', saving: '5', resourceId: 'vol-1' },
    )
    return { input: { id, dry_run: true }, other: { id, dry_run: true, approval_required: false } }
  },
  'recommendations.dismiss': async (world) => {
    const { id } = await adviceIn(
      { tables: world.runtime.tables, orgId: world.members.orgId },
      { id: 'rec_one', saving: '5', resourceId: 'vol-1' },
    )
    return { input: { id, reason: 'one' }, other: { id, reason: 'another' } }
  },
  'recommendations.reopen': async (world) => {
    const { id } = await adviceIn(
      { tables: world.runtime.tables, orgId: world.members.orgId },
      { id: 'rec_one', saving: '5', resourceId: 'vol-1' },
    )
    return { input: { id }, other: { id: 'rec_other' } }
  },
  ...Object.fromEntries(
    ['approve', 'reject', 'cancel', 'rollback'].map((verb) => [
      `executions.${verb}`,
      async (world: World) => {
        const id = await executionOf(world, verb === 'rollback' ? 'succeeded' : 'awaiting_approval')
        const more: Input = { approve: { plan_hash: 'a'.repeat(64) }, reject: { reason: 'one' } }[verb] ?? {}
        return { input: { id, ...more }, other: { id: 'exe_other', ...more } }
      },
    ]),
  ),
  'organization.stop': async () => ({ input: { reason: 'one' }, other: { reason: 'another' } }),
  'organization.resume': async () => ({ input: {} }),
  'expected-costs.create': async () => ({
    input: { start_date: '2026-11-27', end_date: '2026-11-30', note: 'one' },
    other: { start_date: '2026-11-27', end_date: '2026-11-30', note: 'another' },
  }),
  'resources.bulk-tag': async (world) => {
    await tagged(world)
    await actingAccountIn(world)
    const row = { id: vm, accountId: azure.subscription_id, provider: 'azure', kind: 'instance', region: 'westeurope' }
    const rows = [{ ...row, aliases: null, tags: '{}' }]
    Object.assign(world.runtime.lake, { query: async (name: string) => (name === 'resources' ? rows : [{ count: 1 }]) })
    return {
      input: { resource_ids: [vm], tags: { team: 'one' } },
      other: { resource_ids: [vm], tags: { team: 'another' } },
    }
  },
  'resources.bulk-tag-undo': async (world) => {
    await tagged(world)
    const id = await bulkTagIn(world)
    return { input: { id }, other: { id: 'tag_other' } }
  },
  'imports.create': async () => ({
    input: { files: [{ name: 'a.csv', bytes: 1 }] },
    other: { files: [{ name: 'a.csv', bytes: 2 }] },
  }),
  'imports.start': async (world) => ({
    input: { id: await importIn(world, true) },
    other: { id: await importIn(world, false) },
  }),
}

interface Answer {
  status: number
  body: string
}

async function prepared(id: string) {
  const world = await appWithLake()
  await world.runtime.tables.users.put(world.members.orgId, { ...world.members.users.admin, emailVerified: true })
  const route = operation(id)
  const { input, other } = (await cases[id]?.(world)) ?? { input: {} }
  // Disables the rate limits: all requests come from one address, because an anonymous key belongs to its network.
  world.runtime.counters.add = async () => 0
  const ask = async (requestInput: Input, as = route): Promise<Answer> => {
    const token = as.permission === 'public' ? {} : bearer(world.members.tokens.admin)
    const { path, init }: AppRequest = requestOf(as, {
      input: requestInput,
      headers: { ...token, 'Idempotency-Key': 'the-key', 'X-Test-Address': '192.0.2.9' },
    })
    const response = await world.anonymous.request(path, init)
    const { requestId: _, ...body } = (await response.json()) as Input
    return { status: response.status, body: JSON.stringify(body) }
  }
  return { world, input, other, ask, success: route.contract.status ?? 200 }
}

/** Values that differ between runs: ids, ciphertexts, hashes, times, versions, addresses. */
const varying = [
  /\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}(-[0-9a-hjkmnp-tv-z]{26})?\b/g,
  /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
  /v1\.[\w.+/=-]+/g,
  /\b[0-9a-f]{64}\b/g,
  /\b[0-9a-f]{40}\b/g,
  /(?<![\w-])[\w-]{43}(?![\w-])/g,
  /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
  /\b\d{10}\b/g,
  /(?<="version":)\d+/g,
  /192\.0\.2\.\d+/g,
]

/** The effects in tables, events and workflows, normalized. Audit, idempotency keys and attempts are excluded. */
async function stateOf({ runtime, members }: World): Promise<string[]> {
  const founded = (await runtime.tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  const effects = nounsOf(runtime.tables).filter(
    (noun) => !['audit', 'auditIntents', 'idempotency', 'attempts'].includes(noun),
  )
  const owners = [members.orgId, noOrganization, ...founded].flatMap((owner) =>
    effects.map(async (noun) => (await runtime.tables[noun].all(owner)).map((row) => [noun, row])),
  )
  const events = new Map(runtime.events.map((event) => [event.id, ['event', event.name]]))
  const started = new Map(runtime.started.map(({ name }) => [name, ['started']]))
  const all = [...(await Promise.all(owners)).flat(), ...events.values(), ...started.values()]
  return all.map((one) => varying.reduce((text, each) => text.replaceAll(each, '0'), JSON.stringify(one))).toSorted()
}

/** The effects of one request without repetition or crash. */
async function afterOnce(id: string): Promise<string[]> {
  const { world, ask, input, success } = await prepared(id)
  expect((await ask(input)).status).toBe(success)
  return await stateOf(world)
}

const keyed = routes.filter(takesKey).map(({ id }) => id)
const counts = { sequential: 0, concurrent: 0, other: 0, crashes: 0 }

test('every operation that takes an Idempotency-Key has a test case', () => {
  expect(Object.keys(cases).toSorted()).toEqual(keyed.toSorted())
})

describe.each(keyed)('%s', (id) => {
  test('100 sequential requests with one key have one effect and the same answer', async () => {
    const { world, ask, input, success } = await prepared(id)
    const answers = []
    for (let n = 0; n < 100; n++) answers.push(await ask(input))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(success)
    expect(await stateOf(world)).toEqual(await afterOnce(id))
    counts.sequential += 100
  })

  test('50 concurrent requests with one key have one effect; the others get the same answer or 409', async () => {
    const { world, ask, input, success } = await prepared(id)
    const answers = await Promise.all(Array.from({ length: 50 }, async () => await ask(input)))
    const done = answers.filter(({ status }) => status === success)
    expect(new Set(done.map(({ body }) => body)).size).toBe(1)
    expect(answers.filter(({ status }) => status !== success && status !== 409)).toEqual([])
    expect(await ask(input)).toEqual(done[0])
    expect(await stateOf(world)).toEqual(await afterOnce(id))
    counts.concurrent += 50
  })

  test('one key with another body or another operation is refused with 422, without an effect', async () => {
    const { world, ask, input, other, success } = await prepared(id)
    expect((await ask(input)).status).toBe(success)
    const before = await stateOf(world)
    const otherOperations = ['api-keys.create', 'imports.create'].filter(
      (each) => each !== id && operation(id).permission !== 'public',
    )
    const wrong = [
      ...(other ? [await ask(other)] : []),
      ...(await Promise.all(otherOperations.map(async (each) => await ask({}, operation(each))))),
    ]
    for (const answer of wrong)
      expect(answer).toMatchObject({ status: 422, body: expect.stringContaining('"path":"Idempotency-Key"') })
    expect(await stateOf(world)).toEqual(before)
    counts.other += wrong.length
  })

  test('after a crash before the answer is stored: 409 until the lease ends, then one effect in total', async () => {
    const { world, ask, input, success } = await prepared(id)
    const { idempotency } = world.runtime.tables
    const put = idempotency.put.bind(idempotency)
    let crashed = false
    idempotency.put = () => {
      crashed = true
      return new Promise(() => undefined)
    }
    void ask(input)
    while (!crashed) await setTimeout(1)
    idempotency.put = put
    expect((await ask(input)).status).toBe(409)
    world.clock.now += 31_000
    const again = await ask(input)
    expect(again.status, again.body).toBe(success)
    expect(await ask(input)).toEqual(again)
    expect(await stateOf(world)).toEqual(await afterOnce(id))
    counts.crashes++
  })
})

afterAll(() => {
  report(
    `idempotency: ${keyed.length} operations: ${counts.sequential} sequential, ${counts.concurrent} concurrent, ` +
      `${counts.other} conflicting requests, ${counts.crashes} crashes: one effect each`,
  )
})
