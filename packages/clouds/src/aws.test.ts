import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Access, type Measurement, type Problem, type Resource } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { generateSample } from '@cloudoptima/sample'
import { readBill, type Row } from '@cloudoptima/sample/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CallFault, type SimulatedClouds } from './index.ts'
import { byDay, changedToday, simulatedClouds, testChanges, total } from './testing.ts'

const size = { seed: 3, rows: 8000, months: 2 }
const world = simulatedClouds(size)

/** A fresh collection of an account; by default the one that pays. */
function collection(
  { aws: role }: Pick<SimulatedClouds['credentials'], 'aws'> = world.clouds.credentials,
  signal = AbortSignal.timeout(25_000),
) {
  const problems: Problem[] = []
  const access: Access = {
    credentials: { cloud: 'aws', ...role },
    meter: { take: async () => {} },
    report: (problem) => void problems.push(problem),
    signal,
    now: () => world.now,
  }
  const awsCredentials = { accessKeyId: 'AKIAOURS', secretAccessKey: 'test' }
  return { aws: createClouds({ endpoints: world.clouds.endpoints, awsCredentials }).aws, access, problems }
}

async function bills() {
  const { aws, access } = collection()
  const deliveries = await Array.fromAsync(aws.bills(access))
  const fetched = async (period: string) => {
    const folder = await mkdtemp(join(world.dir, 'fetched-'))
    const files = (await deliveries.find((each) => each.period === period)?.fetch(folder)) ?? []
    return (await Promise.all(files.map(async ({ path }) => await readBill(path)))).flat()
  }
  return { deliveries, fetched }
}

describe('an account', () => {
  test('is verified with its role and external id, under its name in the organization', async () => {
    const { aws, access } = collection()
    expect(await aws.verify(access.credentials)).toEqual({
      ok: true,
      problems: [],
      missing: [],
      accountName: 'Larkfield Group',
    })
  })

  test('refuses another external id, and takes the one that the customer sets', async () => {
    const role = memberOf('583920174465')
    const verify = async (externalId: string) => {
      const { aws } = collection()
      return await aws.verify({ cloud: 'aws', roleArn: role.roleArn, externalId })
    }
    expect(await verify('co-of-somebody-else')).toMatchObject({ problems: [{ code: 'credentials_refused' }] })
    role.externalId = 'co-issued-by-the-product'
    expect(await verify('co-issued-by-the-product')).toMatchObject({
      ok: true,
      accountName: 'larkfield-shop-production',
    })
  })

  test('answers nothing without the token of a session', async () => {
    const { key, token } = await sessionOf(memberOf('583920174465'))
    const statusOf = async (given: object) => (await ask('ec2', { body: 'Action=DescribeInstances', ...given })).status
    expect(await statusOf({ key, token })).toBe(200)
    expect(await statusOf({ key, token: 'another' })).toBe(403)
    expect(await statusOf({})).toBe(403)
  })

  test('has the head of each object of its export, and a member has none', async () => {
    const path = '/larkfield-cost-exports/exports/focus-daily/metadata/BILLING_PERIOD=2026-10/focus-daily-Manifest.json'
    const payer = { ...(await sessionOf(world.clouds.credentials.aws)), path }
    const [head, whole] = [await ask('s3', { ...payer, method: 'HEAD' }), await ask('s3', { ...payer, method: 'GET' })]
    const text = await whole.text()
    expect(JSON.parse(text)).toMatchObject({ dataFiles: [/00001/, /00002/].map((part) => expect.stringMatching(part)) })
    const { headers } = head
    expect([headers.get('etag'), headers.get('content-length')]).toEqual([whole.headers.get('etag'), `${text.length}`])
    expect(await head.text()).toBe('')
    const member = await sessionOf(memberOf('583920174465'))
    expect((await ask('s3', { ...member, path, method: 'HEAD' })).status).toBe(403)
  })

  test('of a member has no export, and only its own costs', async () => {
    const { aws, access, problems } = collection({ aws: memberOf('731468209957') })
    expect(await Array.fromAsync(aws.bills(access))).toEqual([])
    expect(problems).toMatchObject([{ state: 'no_export' }])
    const [november] = await Array.fromAsync(aws.preliminary(access))
    expect(november?.preliminary).toEqual({ accountId: '731468209957', payerId: '412095583716' })
    const files = (await november?.fetch(await mkdtemp(join(world.dir, 'fetched-')))) ?? []
    const rows = await readBill(files[0]?.path ?? '')
    expect(new Set(rows.map((row) => row['SubAccountId']))).toEqual(new Set(['731468209957']))
  })
})

/** A request with a signature that is not verified. */
async function ask(
  service: string,
  given: { key?: string; token?: string; path?: string; method?: string; body?: string },
) {
  const { key = 'AKIAOURS', token, path = '/', method = 'POST', body } = given
  return await fetch(`${world.clouds.endpoints.aws}${path}`, {
    method,
    ...(body !== undefined && { body }),
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${key}/20261126/us-east-1/${service}/aws4_request`,
      ...(token !== undefined && { 'x-amz-security-token': token }),
    },
  })
}

async function sessionOf({ roleArn, externalId }: { roleArn: string; externalId: string }) {
  const opened = await ask('sts', { body: `Action=AssumeRole&RoleArn=${roleArn}&ExternalId=${externalId}` })
  const [, key = '', token = ''] = /<AccessKeyId>(\w+)<.*<SessionToken>(\w+)</.exec(await opened.text()) ?? []
  expect([key, token]).toEqual([expect.stringMatching(/^ASIA/), expect.stringMatching(/^\w{128}$/)])
  return { key, token }
}

describe('bills', () => {
  test('have the rows and the exact sums of the sample', async () => {
    const sample = await generateSample({ dir: join(world.dir, 'sample'), today: '2026-11-26', ...size })
    const { deliveries, fetched } = await bills()
    expect(deliveries.map(({ id }) => id)).toEqual(['focus-1.2/focus-daily/2026-11', 'focus-1.2/focus-daily/2026-10'])
    const rows = [...(await fetched('2026-10')), ...(await fetched('2026-11'))]
    const own = sample.totals.find(({ provider }) => provider === 'AWS')
    expect([rows.length, total(rows), total(rows, 'EffectiveCost')]).toEqual([own?.rows, own?.billed, own?.effective])
    const paths = sample.files.map(({ path }) => path).filter((path) => path.includes('/aws-'))
    const generated = (await Promise.all(paths.map(readBill))).flat()
    const sorted = (all: Row[]) => all.map((row) => JSON.stringify(row)).toSorted()
    expect(sorted(rows)).toEqual(sorted(generated))
  })

  testChanges(world, bills, /AWS restates this bill at the moment/)

  test('have the same sum in Cost Explorer', async () => {
    const { aws, access } = collection()
    const [november] = await Array.fromAsync(aws.preliminary(access))
    const files = (await november?.fetch(await mkdtemp(join(world.dir, 'fetched-')))) ?? []
    const preliminary = await readBill(files[0]?.path ?? '')
    const exported = await (await bills()).fetched('2026-11')
    for (const column of ['BilledCost', 'EffectiveCost'])
      expect(total(preliminary, column)).toBe(total(exported, column))
    expect(new Set(preliminary.map((row) => row['SubAccountName']))).toEqual(
      new Set(exported.map((row) => row['SubAccountName'])),
    )
  })
})

/** The inventory of all accounts. */
async function inventory() {
  const found: Resource[] = []
  for (const role of Object.values(world.clouds.roles.aws)) {
    const { aws, access, problems } = collection({ aws: role })
    for await (const { resources } of aws.inventory(access)) found.push(...resources)
    expect(problems).toEqual([])
  }
  return found
}

const machines = new Set([
  'Instance',
  'Volume',
  'Snapshot',
  'NAT gateway',
  'Load balancer',
  'DB instance',
  'Cache node',
  'Bucket',
  'Function',
  'Table',
  'Log group',
])

describe('resources', () => {
  let resources: Resource[]
  beforeAll(async () => {
    resources = await inventory()
  })

  test('are those of the bill', async () => {
    const rows = byDay(await (await bills()).fetched('2026-11'))
    const billed = new Map(
      rows.flatMap((row) => [row['CommitmentDiscountId'], row['ResourceId']].map((id = '') => [id, row])),
    )
    const namesOf = ({ id, aliases = [] }: Resource) => [id, ...aliases]
    expect(resources.filter((each) => !namesOf(each).some((name) => billed.has(name)))).toEqual([])
    const names = new Set(resources.flatMap(namesOf))
    const yesterday = rows.filter((row) => row['ChargePeriodStart'] === '2026-11-25T00:00:00Z')
    const expected = yesterday.filter(
      (row) => machines.has(row['ResourceType'] ?? '') || row['ResourceId']?.includes(':eks:'),
    )
    expect(expected.map((row) => row['ResourceId'] ?? '').filter((id) => !names.has(id))).toEqual([])
    const changed = changedToday(size, 'aws')
    for (const each of resources.filter(({ kind }) => kind !== 'commitment')) {
      if (namesOf(each).some((name) => changed.has(name.toLowerCase()))) continue
      const row = billed.get(namesOf(each).find((name) => billed.has(name)) ?? '')
      expect({ region: each.region, ...each.tags }).toMatchObject({
        region: row?.['RegionId'],
        ...JSON.parse(row?.['Tags'] || '{}'),
      })
    }
  })

  test('are handed over and resized over time, and keep their ids', async () => {
    const before = new Map(resources.map((each) => [each.id, each]))
    world.now = new Date('2027-01-10T12:00:00Z')
    const after = await inventory()
    const changed = (what: (one: Resource) => unknown) =>
      after.filter((one) => {
        const known = before.get(one.id)
        return known && JSON.stringify(what(known)) !== JSON.stringify(what(one))
      })
    expect(changed(({ tags }) => tags).length).toBeGreaterThan(0)
    const resized = changed(({ type }) => type)
    expect(resized.length).toBeGreaterThan(0)
    expect(new Set(resized.map(({ kind }) => kind))).toEqual(new Set(['instance']))
    const rows = byDay(await (await bills()).fetched('2027-01'))
    const lastOf = (id: string) => rows.findLast((row) => row['ResourceId']?.endsWith(`/${id}`))
    for (const { id, type } of resized) expect([id, lastOf(id)?.['SkuMeter']]).toEqual([id, `BoxUsage:${type}`])
  })

  test('are of all kinds that the company uses', () => {
    expect(new Set(resources.map(({ kind }) => kind))).toEqual(
      new Set([
        'instance',
        'volume',
        'snapshot',
        'address',
        'nat_gateway',
        'load_balancer',
        'database',
        'cache',
        'table',
        'bucket',
        'function',
        'cluster',
        'log_group',
        'commitment',
      ]),
    )
  })

  test('are measured as their bill says: busy, idle, or in office hours', async () => {
    const day = '2026-11-25'
    const rows = (await (await bills()).fetched('2026-11')).filter((row) => row['ChargePeriodStart']?.startsWith(day))
    const rowsOf = ({ id, aliases = [] }: Resource) =>
      rows.filter((row) => [id, ...aliases].includes(row['ResourceId'] ?? ''))
    // A commitment may cover a part of the quantity; a correction is negative.
    const unitsOf = (resource: Resource) =>
      rowsOf(resource).reduce((sum, row) => sum + Math.max(0, Number(row['ConsumedQuantity'])), 0)
    const measured: Measurement[] = []
    for (const [account, role] of Object.entries(world.clouds.roles.aws)) {
      const { aws, access, problems } = collection({ aws: role })
      const own = resources.filter((each) => rowsOf(each)[0]?.['SubAccountId'] === account)
      const look = async () => (await Array.fromAsync(aws.utilization(access, { day, resources: own }))).flat()
      const first = await look()
      expect(await look()).toEqual(first)
      expect(problems).toEqual([])
      measured.push(...first)
    }
    expect(measured.filter(({ hour }) => !hour.startsWith(day))).toEqual([])
    expect(measured.filter(({ average, maximum }) => average < 0 || maximum < average)).toEqual([])
    const means = resources.flatMap((resource) => {
      const points = measured.filter(({ resourceId, metric }) => resourceId === resource.id && metric === 'cpu')
      if (resource.kind !== 'instance' || points.length === 0) return []
      expect(points).toHaveLength(Math.ceil(unitsOf(resource)))
      return [points.reduce((sum, { average }) => sum + average, 0) / points.length]
    })
    expect([means.some((mean) => mean < 3), means.some((mean) => mean > 25)]).toEqual([true, true])
    const gateway = resources.find(({ kind }) => kind === 'nat_gateway')
    const bytes = measured.filter(
      ({ resourceId, metric }) => resourceId === gateway?.id && metric.startsWith('network'),
    )
    const billedGb = gateway ? unitsOf(gateway) : NaN
    expect(bytes.reduce((sum, { average }) => sum + average, 0) / 1e9).toBeCloseTo(billedGb, 3)
  })
})

describe('faults', () => {
  const fetched = async () => await (await bills()).fetched('2026-10')
  const listed = async () => {
    const { aws, access, problems } = collection({ aws: memberOf('731468209957') })
    const parts = await Array.fromAsync(aws.inventory(access))
    return { parts: parts.map(({ part }) => part), problems, resources: parts.flatMap(({ resources }) => resources) }
  }

  test.each<CallFault>([
    { kind: 'throttled', times: 1, seconds: 1 },
    { kind: 'failed', times: 2 },
    { kind: 'cut', times: 2 },
    { kind: 'lost', times: 2 },
    { kind: 'slow', times: 2, seconds: 0.2 },
  ])('that pass are waited for ($kind)', async (fault) => {
    const [rows, before] = [await fetched(), await listed()]
    world.clouds.faults.calls = [
      { ...fault, call: 's3:GetObject' },
      { ...fault, call: 'ec2:DescribeInstances' },
    ]
    expect(await fetched()).toEqual(rows)
    const { problems, resources } = await listed()
    expect([problems, resources.length]).toEqual([[], before.resources.length])
    expect(world.clouds.faults.calls.map(({ times }) => times)).toEqual([0, 0])
  })

  test.each([
    ['throttled', 'throttled'],
    ['failed', 'unavailable'],
    ['cut', 'unavailable'],
    ['expired', 'unavailable'],
    ['disabled', 'api_disabled'],
  ] as const)('that last cost one part (%s), and a later collection finds it', async (kind, state) => {
    const before = await listed()
    world.clouds.faults.calls = [{ call: 'ec2:DescribeVolumes', kind, times: 1000, seconds: 1 }]
    const { parts, problems } = await listed()
    const lost = before.parts.filter((part) => part.startsWith('ec2:volumes/'))
    expect(lost).toHaveLength(4)
    expect(problems.map((problem) => [problem.part, problem.state]).toSorted()).toEqual(
      lost.toSorted().map((part) => [part, state]),
    )
    expect(parts.toSorted()).toEqual(before.parts.filter((part) => !lost.includes(part)).toSorted())
    world.clouds.faults.calls = []
    expect((await listed()).resources).toHaveLength(before.resources.length)
  })

  test('name the time to wait', async () => {
    world.clouds.faults.calls = [{ call: 's3:GetObject', kind: 'throttled', times: 4, seconds: 1 }]
    await expect(fetched()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 })
  })

  test('of a slow page do not hold up the end of a collection', async () => {
    world.clouds.faults.calls = [{ kind: 'slow', call: 'ec2:DescribeRegions', times: 1, seconds: 9 }]
    const { aws, access } = collection(world.clouds.credentials, AbortSignal.timeout(300))
    const began = Date.now()
    await expect(Array.fromAsync(aws.inventory(access))).rejects.toThrow(/abort/i)
    expect(Date.now() - began).toBeLessThan(5000)
  })
})

function memberOf(account: string): { roleArn: string; externalId: string } {
  const role = world.clouds.roles.aws[account]
  if (!role) throw new Error(`The company has no account ${account}`)
  return role
}
