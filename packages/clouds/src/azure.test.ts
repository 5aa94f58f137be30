import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Access, type Measurement, type Problem, type Resource } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { generateSample, openEstate } from '@cloudoptima/sample'
import { readBill, type Row } from '@cloudoptima/sample/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CallFault, type SimulatedClouds } from './index.ts'
import { byDay, changedToday, simulatedClouds, testChanges, total } from './testing.ts'

const size = { seed: 3, rows: 40_000, months: 2 }
const world = simulatedClouds(size)

let accounts: SimulatedClouds['credentials']['azure']
beforeAll(() => void (accounts = world.clouds.credentials.azure))

type Account = (typeof accounts)[number]

/** The subscription that pays for the reservation, unless another one is chosen. */
function account(number = 0): Account {
  const found = accounts[number]
  if (!found) throw new Error(`The company has no subscription ${number}`)
  return found
}

/** A fresh collection of a subscription. */
function collection(own = account(), signal = AbortSignal.timeout(25_000)) {
  const problems: Problem[] = []
  const access: Access = {
    credentials: { cloud: 'azure', ...own },
    meter: { take: async () => {} },
    report: (problem) => void problems.push(problem),
    signal,
    now: () => world.now,
  }
  return { azure: createClouds({ endpoints: world.clouds.endpoints }).azure, access, problems }
}

async function rowsOf(delivery: { fetch(folder: string): Promise<{ path: string }[]> } | undefined) {
  const files = (await delivery?.fetch(await mkdtemp(join(world.dir, 'fetched-')))) ?? []
  return (await Promise.all(files.map(async ({ path }) => await readBill(path)))).flat()
}

async function bills(own?: Account) {
  const { azure, access, problems } = collection(own)
  const deliveries = await Array.fromAsync(azure.bills(access))
  const fetched = async (period: string) => await rowsOf(deliveries.find((each) => each.period === period))
  return { deliveries, fetched, problems }
}

/** The rows of a month in the exports of all subscriptions. */
async function wholeBill(period: string) {
  return (await Promise.all(accounts.map(async (own) => await (await bills(own)).fetched(period)))).flat()
}

describe('a subscription', () => {
  test('is verified with its application, under its name', async () => {
    const names = await Promise.all(
      accounts.map(async (own) => {
        const { azure, access } = collection(own)
        const { accountName, ...verification } = await azure.verify(access.credentials)
        expect(verification).toEqual({ ok: true, problems: [], missing: [] })
        return accountName
      }),
    )
    expect(names).toEqual([
      'Larkfield ERP',
      'Larkfield Warehouse Systems',
      'Larkfield Workplace',
      'Larkfield Europe Test',
      'Larkfield Europe Lab',
    ])
  })

  test('refuses other credentials, and takes the secret that the customer sets', async () => {
    const verify = async (change: Partial<Account>) =>
      await collection().azure.verify({ cloud: 'azure', ...account(4), ...change })
    const codeOf = async (change: Partial<Account>) => (await verify(change)).problems.map(({ code }) => code)
    const other = account(1)
    expect(await codeOf({ clientSecret: 'another' })).toEqual(['credentials_refused'])
    expect(await codeOf({ clientId: other.tenantId })).toEqual(['credentials_refused'])
    expect(await codeOf({ tenantId: other.clientId })).toEqual(['credentials_refused'])
    expect(await codeOf({ subscriptionId: other.subscriptionId })).toEqual(['not_found'])
    const before = account(4).clientSecret
    account(4).clientSecret = 'set-by-the-customer'
    expect(await codeOf({ clientSecret: before })).toEqual(['credentials_refused'])
    expect(await verify({})).toMatchObject({ ok: true, accountName: 'Larkfield Europe Lab' })
  })

  test('answers nothing to another application, or without a token for the service', async () => {
    const [own, other] = [account(), account(1)]
    const { resourceManager = '', blob = '' } = world.clouds.endpoints.azure ?? {}
    const subscription = `${resourceManager}/subscriptions/${own.subscriptionId}`
    const container = `${blob}/larkfield${own.subscriptionId.slice(0, 8)}/cost-exports?comp=list`
    const statusOf = async (url: string, token: string) =>
      (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
    const [management, storage] = ['https://management.azure.com', 'https://storage.azure.com']
    expect(await statusOf(subscription, await tokenOf(own, management))).toBe(200)
    expect(await statusOf(container, await tokenOf(own, storage))).toBe(200)
    expect(await statusOf(subscription, 'another')).toBe(401)
    expect(await statusOf(subscription, await tokenOf(own, storage))).toBe(401)
    expect(await statusOf(subscription, await tokenOf(other, management))).toBe(404)
    expect(await statusOf(container, await tokenOf(other, storage))).toBe(403)
  })
})

test('a blob is given only as it was listed', async () => {
  const container = `${world.clouds.endpoints.azure?.blob}/larkfield${account().subscriptionId.slice(0, 8)}/cost-exports`
  const authorization = `Bearer ${await tokenOf(account(), 'https://storage.azure.com')}`
  const ask = async (path: string, headers = {}) =>
    await fetch(`${container}${path}`, { headers: { authorization, ...headers } })
  const list = await (await ask('?comp=list&prefix=finops/focus-daily/20261001-20261031/')).text()
  const [, name, etag] = /<Name>([^<]+gz)<.*?<Etag>([^<]+)</.exec(list) ?? []
  const answers = [etag, 'another'].map(async (version) => await ask(`/${name}`, { 'if-match': `"${version}"` }))
  const [same, changed] = await Promise.all(answers)
  expect([same?.status, same?.headers.get('etag')]).toEqual([200, `"${etag}"`])
  expect([changed?.status, changed?.headers.get('x-ms-error-code')]).toEqual([412, 'ConditionNotMet'])
})

async function tokenOf({ tenantId, clientId, clientSecret }: Account, resource: string): Promise<string> {
  const answer = await fetch(`${world.clouds.endpoints.azure?.authority}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, scope: `${resource}/.default` }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

describe('bills', () => {
  test('of all subscriptions together have the rows and the exact sums of the sample', async () => {
    const sample = await generateSample({ dir: join(world.dir, 'sample'), today: '2026-11-26', ...size })
    const { deliveries, problems } = await bills()
    expect(deliveries.map(({ id }) => id)).toEqual(['focus/2026-11', 'focus/2026-10'])
    expect(problems).toEqual([])
    const rows = [...(await wholeBill('2026-10')), ...(await wholeBill('2026-11'))]
    const own = sample.totals.find(({ provider }) => provider === 'Microsoft')
    expect([rows.length, total(rows), total(rows, 'EffectiveCost')]).toEqual([own?.rows, own?.billed, own?.effective])
    const paths = sample.files.map(({ path }) => path).filter((path) => path.includes('/azure-'))
    const generated = (await Promise.all(paths.map(readBill))).flat()
    const sorted = (all: Row[]) => all.map((row) => JSON.stringify(row)).toSorted()
    expect(sorted(rows)).toEqual(sorted(generated))
  })

  test('have the costs of their subscription only', async () => {
    const own = account(2)
    const { deliveries, fetched } = await bills(own)
    const rows = await fetched('2026-11')
    expect(await deliveries[0]?.scope?.()).toBe(own.subscriptionId)
    expect(new Set(rows.map((row) => row['SubAccountId']))).toEqual(new Set([`/subscriptions/${own.subscriptionId}`]))
  })

  testChanges(world, bills, /Azure replaced the files of the export/)

  test('have the same sums in the query API, over several pages', async () => {
    const sizes = accounts.map(async (own) => {
      const { azure, access } = collection(own)
      const [november, october] = await Array.fromAsync(azure.preliminary(access))
      expect(november?.preliminary).toEqual({ accountId: own.subscriptionId })
      const exported = await bills(own)
      for (const [period, delivery] of Object.entries({ '2026-11': november, '2026-10': october })) {
        const [queried, rows] = [await rowsOf(delivery), await exported.fetched(period)]
        for (const column of ['BilledCost', 'EffectiveCost']) expect(total(queried, column)).toBe(total(rows, column))
        const placesOf = (all: Row[]) => new Set(all.map((row) => [row['RegionId'], row['ServiceName']].join()))
        expect(placesOf(queried)).toEqual(placesOf(rows))
      }
      // Billed and effective costs have rows of their own.
      return (await rowsOf(october)).length / 2
    })
    expect(Math.max(...(await Promise.all(sizes)))).toBeGreaterThan(1000)
  })
})

/** The inventory of all subscriptions. */
async function inventory() {
  const found: Resource[] = []
  for (const own of accounts) {
    const { azure, access, problems } = collection(own)
    for await (const { resources } of azure.inventory(access)) found.push(...resources)
    expect(problems).toEqual([])
  }
  return found
}

/** Those of the bill that the collector has no kind for. */
const unlisted = new Set([
  'Virtual machine scale set',
  'Recovery Services vault',
  'Azure OpenAI',
  'Data factory',
  'Key vault',
  'SaaS',
])

describe('resources', () => {
  let resources: Resource[]
  beforeAll(async () => {
    resources = await inventory()
  })

  test('are those of the estate that live, with the places and tags of the bill', async () => {
    const today = Date.parse('2026-11-26') / 86_400_000
    const { resources: all, commitments } = openEstate('azure', { today: '2026-11-26', ...size })
    const living = all.filter(({ firstDay, endDay }) => firstDay <= today && today < endDay)
    const listed = living.filter(({ fields }) => !unlisted.has(fields.ResourceType ?? ''))
    const ids = [...listed.map(({ fields }) => fields.ResourceId ?? ''), ...commitments.map(({ id }) => id)]
    const sorted = (names: string[]) => names.map((name) => name.toLowerCase()).toSorted()
    expect(ids.length).toBeGreaterThan(100)
    expect(sorted(resources.map(({ id }) => id))).toEqual(sorted(ids))
    const billed = new Map(byDay(await wholeBill('2026-11')).map((row) => [row['ResourceId']?.toLowerCase(), row]))
    const changed = changedToday(size, 'azure')
    for (const each of resources.filter(({ id, kind }) => kind !== 'commitment' && !changed.has(id))) {
      const row = billed.get(each.id)
      expect({ region: each.region, ...each.tags }).toMatchObject({
        region: row?.['RegionId'],
        ...JSON.parse(row?.['Tags'] || '{}'),
      })
    }
  })

  test('are of all kinds that the company uses', () => {
    expect(new Set(resources.map(({ kind }) => kind))).toEqual(
      new Set([
        'instance',
        'volume',
        'snapshot',
        'address',
        'load_balancer',
        'database',
        'bucket',
        'function',
        'container_service',
        'cluster',
        'table',
        'log_group',
        'commitment',
      ]),
    )
  })

  test('have their sizes and states, by the hour', async () => {
    const statesOf = (kind: string, all = resources) =>
      new Set(all.filter((each) => each.kind === kind).map((each) => each.status))
    expect(statesOf('instance')).toEqual(new Set(['running']))
    world.now = new Date('2026-11-26T23:00:00Z')
    expect(statesOf('instance', await inventory())).toEqual(new Set(['running', 'stopped']))
    expect(statesOf('volume')).toEqual(new Set(['in-use', 'available']))
    expect(statesOf('database')).toEqual(new Set(['running', 'stopped']))
    const machine = resources.find(({ kind }) => kind === 'instance')
    expect([machine?.type, machine?.configuration]).toEqual([
      expect.stringMatching(/^Standard_D4s_v5$/),
      expect.objectContaining({ code: 'PowerState/running', dataDisks: expect.any(Number) }),
    ])
    const machines = new Set(resources.filter(({ kind }) => kind === 'instance').map(({ id }) => id))
    const subscriptionIn = (id: string) => id.split('/')[2]
    const disks = resources.filter(({ kind, attachedTo }) => kind === 'volume' && attachedTo)
    expect(disks.length).toBeGreaterThan(3)
    for (const { id, attachedTo = '' } of disks)
      expect([machines.has(attachedTo), subscriptionIn(attachedTo)]).toEqual([true, subscriptionIn(id)])
    expect(resources.find(({ kind }) => kind === 'commitment')).toMatchObject({
      name: 'VM_D4s_v5_1Y',
      type: 'Standard_D4s_v5',
      configuration: { term: 'P1Y', appliedScopeType: 'Shared', quantity: expect.any(Number) },
    })
  })

  test('are measured as their bill says: busy, idle, or in office hours', async () => {
    const day = '2026-11-25'
    const rows = (await wholeBill('2026-11')).filter((row) => row['ChargePeriodStart']?.startsWith(day))
    // A commitment may cover a part of the quantity; a correction is negative.
    const unitsOf = ({ id }: Resource) =>
      rows
        .filter((row) => row['ResourceId']?.toLowerCase() === id)
        .reduce((sum, row) => sum + Math.max(0, Number(row['ConsumedQuantity'])), 0)
    const measured: Measurement[] = []
    for (const own of accounts) {
      const { azure, access, problems } = collection(own)
      const mine = resources.filter(({ id }) => id.includes(own.subscriptionId))
      const look = async () => (await Array.fromAsync(azure.utilization(access, { day, resources: mine }))).flat()
      const first = await look()
      expect(await look()).toEqual(first)
      expect(problems).toEqual([])
      measured.push(...first)
    }
    expect(measured.filter(({ hour }) => !hour.startsWith(day))).toEqual([])
    expect(measured.filter(({ average, maximum }) => average < 0 || maximum < average)).toEqual([])
    const isMeasured = ({ id }: Resource) => measured.some(({ resourceId }) => resourceId === id)
    expect(resources.filter((each) => each.kind === 'database' && isMeasured(each)).map((each) => each.status)).toEqual(
      resources.flatMap(({ kind, status }) => (kind === 'database' && status === 'running' ? [status] : [])),
    )
    const means = resources.flatMap((resource) => {
      const points = measured.filter(({ resourceId, metric }) => resourceId === resource.id && metric === 'cpu')
      if (resource.kind !== 'instance' || unitsOf(resource) === 0) return []
      expect(points).toHaveLength(Math.ceil(unitsOf(resource)))
      return [points.reduce((sum, { average }) => sum + average, 0) / points.length]
    })
    expect([means.some((mean) => mean < 3), means.some((mean) => mean > 25)]).toEqual([true, true])
    const account = resources.find(({ id }) => id.includes('-ingest-'))
    const calls = measured.filter(({ resourceId, metric }) => resourceId === account?.id && metric === 'requests')
    const billedCalls = account ? unitsOf(account) * 10_000 : NaN
    expect(calls.reduce((sum, { average }) => sum + average, 0) / billedCalls).toBeCloseTo(1, 3)
    const kinds = new Set(resources.filter(isMeasured).map(({ kind }) => kind))
    expect(kinds).toEqual(
      new Set([
        'instance',
        'volume',
        'database',
        'bucket',
        'function',
        'container_service',
        'cluster',
        'table',
        'load_balancer',
      ]),
    )
  })
})

describe('faults', () => {
  const disks = 'Microsoft.Compute/disks'
  const fetched = async () => await (await bills()).fetched('2026-10')
  const listed = async () => {
    const { azure, access, problems } = collection(account(1))
    const parts = await Array.fromAsync(azure.inventory(access))
    return { parts: parts.map(({ part }) => part), problems, resources: parts.flatMap(({ resources }) => resources) }
  }

  test.each<CallFault>([
    { kind: 'throttled', times: 1, seconds: 1 },
    { kind: 'failed', times: 2 },
    { kind: 'cut', times: 2 },
    { kind: 'lost', times: 2 },
    { kind: 'slow', times: 1, seconds: 0.2 },
    { kind: 'expired', times: 1 },
  ])('that pass are waited for ($kind)', async (fault) => {
    const [rows, before] = [await fetched(), await listed()]
    const calls = ['blob:GetBlob', `${disks}/read`, 'Microsoft.CostManagement/exports/read']
    world.clouds.faults.calls = calls.map((call) => ({ ...fault, call }))
    expect(await fetched()).toEqual(rows)
    const { problems, resources } = await listed()
    expect([problems, resources.length]).toEqual([[], before.resources.length])
    expect(world.clouds.faults.calls.map(({ times }) => times)).toEqual([0, 0, 0])
  })

  test.each([
    ['failed', 'unavailable'],
    ['cut', 'unavailable'],
    ['disabled', 'api_disabled'],
  ] as const)('that last cost one part (%s), and a later collection finds it', async (kind, state) => {
    const before = await listed()
    world.clouds.faults.calls = [{ call: `${disks}/read`, kind, times: 1000 }]
    const { parts, problems } = await listed()
    expect(problems.map((problem) => [problem.part, problem.state])).toEqual([[disks, state]])
    expect(parts).toEqual(before.parts.filter((part) => part !== disks))
    world.clouds.faults.calls = []
    expect((await listed()).resources).toHaveLength(before.resources.length)
  })

  test.each([
    ['Microsoft.CostManagement/exports/read', async () => await bills()],
    [`${disks}/read`, listed],
    ['Microsoft.CostManagement/query/action', async () => await queried()],
  ])('of a throttled %s name the time to wait', async (call, collect) => {
    world.clouds.faults.calls = [{ call, kind: 'throttled', times: 1, seconds: 77 }]
    await expect(collect()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 77 })
  })

  const queried = async () => {
    const { azure, access } = collection()
    return await Array.fromAsync(azure.preliminary(access))
  }

  test.each([
    ['login:token', 'expired', { code: 'forbidden', message: expect.stringMatching(/client secret has expired/) }],
    ['login:token', 'failed', { code: 'unavailable' }],
    ['blob:GetBlob', 'throttled', { code: 'unavailable' }],
    ['Microsoft.CostManagement/exports/read', 'expired', { code: 'forbidden' }],
  ] as const)('of %s that last (%s) end the collection', async (call, kind, fault) => {
    world.clouds.faults.calls = [{ call, kind, times: 1000 }]
    await expect(fetched()).rejects.toMatchObject(fault)
  })

  test('of a slow page do not hold up the end of a collection', async () => {
    world.clouds.faults.calls = [{ kind: 'slow', call: `${disks}/read`, times: 1, seconds: 9 }]
    const { azure, access } = collection(account(), AbortSignal.timeout(300))
    const began = Date.now()
    await expect(Array.fromAsync(azure.inventory(access))).rejects.toThrow(/abort/i)
    expect(Date.now() - began).toBeLessThan(5000)
  })
})
