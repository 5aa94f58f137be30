import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Access, type Measurement, Money, type Problem, type Resource } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { generateSample, restatementCredit } from '@cloudoptima/sample'
import { readBill } from '@cloudoptima/sample/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CallFault, type SimulatedClouds, startClouds } from './index.ts'
import { byDay, changedToday, simulatedClouds } from './testing.ts'

const size = { seed: 3, rows: 16_000, months: 2 }
const world = simulatedClouds(size)

function projectOf(id: string) {
  const project = world.clouds.roles.gcp[id]
  if (!project) throw new Error(`The company has no project ${id}`)
  return project
}

/** A fresh collection of a project; by default one with a billing export in USD. */
function collection(id = 'larkfield-analytics-prod', signal = AbortSignal.timeout(25_000)) {
  const problems: Problem[] = []
  const access: Access = {
    credentials: { cloud: 'gcp', ...projectOf(id) },
    meter: { take: async () => {} },
    report: (problem) => void problems.push(problem),
    signal,
    now: () => world.now,
  }
  return { gcp: createClouds({ endpoints: world.clouds.endpoints }).gcp, access, problems }
}

type Row = Record<string, string | null>

async function bills(id?: string) {
  const { gcp, access, problems } = collection(id)
  const deliveries = await Array.fromAsync(gcp.bills(access))
  const fetched = async (period: string) => {
    const folder = await mkdtemp(join(world.dir, 'fetched-'))
    const files = (await deliveries.find((each) => each.period === period)?.fetch(folder)) ?? []
    const texts = await Promise.all(files.map(async ({ path }) => await readFile(path, 'utf8')))
    return texts.flatMap((text) => text.trimEnd().split('\n')).map((line): Row => JSON.parse(line))
  }
  return { deliveries, fetched, problems }
}

const total = (rows: readonly Row[], column = 'BilledCost') =>
  Money.plain(Money.sum(rows.map((row) => Money.parse(row[column] ?? ''))))

describe('a project', () => {
  test('is verified with the key of its service account, under its name', async () => {
    const names = await Promise.all(
      Object.keys(world.clouds.roles.gcp).map(async (id) => {
        const { gcp, access } = collection(id)
        const { accountName, ...verification } = await gcp.verify(access.credentials)
        expect(verification).toEqual({ ok: true, problems: [], missing: [] })
        return accountName
      }),
    )
    expect(names).toEqual(['Analytics', 'Search', 'ML Research', 'Analytics Staging', 'UK Store', 'UK Development'])
  })

  test('refuses another key, and the service account of another billing account', async () => {
    const { projectId, serviceAccount } = projectOf('larkfield-search-prod')
    const other = projectOf('larkfield-uk-store').serviceAccount
    const { gcp } = collection()
    const verify = async (given: typeof serviceAccount) =>
      await gcp.verify({ cloud: 'gcp', projectId, serviceAccount: given })
    expect(await verify({ ...serviceAccount, private_key: other.private_key })).toMatchObject({
      problems: [{ code: 'credentials_refused', message: expect.stringMatching(/does not accept this key/) }],
    })
    expect(await verify(other)).toMatchObject({
      problems: [{ code: 'not_found', message: expect.stringMatching(/cannot see the project/) }],
    })
  })

  test('answers nothing without a token, and keeps its key from start to start', async () => {
    const url = `${world.clouds.endpoints.gcp?.api}/v3/projects/larkfield-uk-dev`
    const statusOf = async (authorization: string) => (await fetch(url, { headers: { authorization } })).status
    expect([await statusOf(''), await statusOf('Bearer another')]).toEqual([401, 401])
    const again = await startClouds({ dir: join(world.dir, 'clouds'), now: () => world.now, ...size })
    await again.close()
    const keysOf = ({ credentials }: SimulatedClouds) => credentials.gcp.map((each) => each.serviceAccount.private_key)
    expect(keysOf(again)).toEqual(keysOf(world.clouds))
    expect(new Set(keysOf(world.clouds)).size).toBe(2)
    expect(projectOf('larkfield-uk-dev').serviceAccount.token_uri).toBe(world.clouds.endpoints.gcp?.token)
  })

  test('without a billing export says so', async () => {
    const { deliveries, problems } = await bills('larkfield-uk-dev')
    expect([deliveries, problems]).toMatchObject([[], [{ state: 'no_export' }]])
  })
})

describe('bills', () => {
  test('have the rows and the exact sums of the sample, in USD and in GBP', async () => {
    const sample = await generateSample({ dir: join(world.dir, 'sample'), today: '2026-11-26', ...size })
    expect(world.clouds.credentials.gcp.map(({ projectId }) => projectId)).toEqual([
      'larkfield-analytics-prod',
      'larkfield-uk-store',
    ])
    for (const [index, currency] of ['USD', 'GBP'].entries()) {
      const { deliveries, fetched } = await bills(world.clouds.credentials.gcp[index]?.projectId)
      const own = sample.totals.find((each) => each.provider === 'Google Cloud' && each.currency === currency)
      const table = `billing.focus_${own?.billingAccountId.replaceAll('-', '_')}`
      expect(deliveries.map(({ id }) => id)).toEqual([`${table}/2026-11`, `${table}/2026-10`])
      const rows = [...(await fetched('2026-10')), ...(await fetched('2026-11'))]
      expect(rows.length).toBeGreaterThan(800)
      const sums = ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'].map((column) => total(rows, column))
      expect([rows.length, ...sums]).toEqual([own?.rows, own?.billed, own?.effective, own?.list, own?.contracted])
      const paths = sample.files.map(({ path }) => path).filter((path) => path.includes(own?.billingAccountId ?? ''))
      const generated = (await Promise.all(paths.map(readBill))).flat()
      const columns = Object.keys(rows[0] ?? {})
      expect(columns.length).toBeGreaterThan(50)
      const sorted = (all: Row[]) =>
        all.map((row) => JSON.stringify(columns.map((column) => row[column] || null))).toSorted()
      expect(sorted(rows)).toEqual(sorted(generated))
    }
  })

  test('grow by the day; a closed month stays as it is', async () => {
    const before = await bills()
    const [november, october] = [await before.fetched('2026-11'), await before.fetched('2026-10')]
    world.now = new Date('2026-11-27T12:00:00Z')
    const after = await bills()
    const isAdded = (row: Row) => row['ChargePeriodStart'] === '2026-11-26T00:00:00Z'
    expect(november.filter(isAdded)).toEqual([])
    expect((await after.fetched('2026-11')).filter(isAdded).length).toBeGreaterThan(20)
    expect(after.deliveries[0]?.version).not.toBe(before.deliveries[0]?.version)
    expect(after.deliveries[1]?.version).toBe(before.deliveries[1]?.version)
    expect(await after.fetched('2026-10')).toEqual(october)
  })

  test('of a restated month have another version and sum, also for a collector that has looked before', async () => {
    const { gcp, access } = collection()
    const versions = async () =>
      (await Array.fromAsync(gcp.bills(access))).map(({ period, version }) => [period, version])
    const before = await bills()
    const seen = await versions()
    const sum = Money.parse(total(await before.fetched('2026-10')))
    world.clouds.faults.bills['2026-10'] = { restatements: 2 }
    await expect(before.fetched('2026-10')).rejects.toThrow(/Google added rows .* while they were read/)
    const after = await bills()
    expect(await versions()).toEqual(after.deliveries.map(({ period, version }) => [period, version]))
    expect(await versions()).toEqual([seen[0], ['2026-10', expect.not.stringMatching(seen[1]?.[1] ?? '')]])
    expect(total(await after.fetched('2026-10'))).toBe(Money.plain(sum.plus(Money.parse(restatementCredit).times(2))))
  })

  test('may gain a column, which no query asks for', async () => {
    const before = await (await bills()).fetched('2026-11')
    world.clouds.faults.bills['2026-11'] = { columns: ['x_Carbon'] }
    expect(await (await bills()).fetched('2026-11')).toEqual(before)
  })
})

describe('resources', () => {
  const found: Resource[] = []
  beforeAll(async () => {
    for (const id of Object.keys(world.clouds.roles.gcp)) {
      const { gcp, access, problems } = collection(id)
      for await (const { resources } of gcp.inventory(access)) found.push(...resources)
      expect(problems).toEqual([])
    }
  })

  const namesOf = ({ id, aliases = [] }: Resource) => [id, ...aliases]
  const billed = async () =>
    (
      await Promise.all(
        world.clouds.credentials.gcp.map(async ({ projectId }) => await (await bills(projectId)).fetched('2026-11')),
      )
    ).flat()

  test('are those of the bill', async () => {
    const rows = byDay(await billed())
    const names = new Set(found.flatMap(namesOf))
    const rowsById = new Map(rows.map((row) => [row['ResourceId'], row]))
    expect(found.filter((each) => !namesOf(each).some((name) => rowsById.has(name)))).toEqual([])
    // Lists that the inventory does not read.
    const unread = new Set(['Dataset', 'Job', 'Topic', 'Log bucket', 'Endpoint'])
    const yesterday = rows.filter((row) => row['ChargePeriodStart'] === '2026-11-25T00:00:00Z' && row['ResourceId'])
    const expected = yesterday.filter((row) => !unread.has(row['ResourceType'] ?? ''))
    expect(expected.filter((row) => !names.has(row['ResourceId'] ?? ''))).toEqual([])
    expect(new Set(expected.map((row) => row['ResourceId'])).size).toBe(found.length)
    // Snapshots are global.
    const placed = found.filter(({ kind }) => !['commitment', 'nat_gateway', 'snapshot'].includes(kind))
    const changed = changedToday(size, 'gcpUsd', 'gcpGbp')
    for (const each of placed) {
      if (namesOf(each).some((name) => changed.has(name.toLowerCase()))) continue
      const row = rowsById.get(namesOf(each).find((name) => rowsById.has(name)) ?? '')
      expect({ region: each.region, ...each.tags }).toEqual({
        region: row?.['RegionId'],
        ...JSON.parse(row?.['Tags'] || '{}'),
      })
    }
  })

  test('are of all kinds that the company uses, with disks at their machines', () => {
    expect(new Set(found.map(({ kind }) => kind))).toEqual(
      new Set([
        'instance',
        'volume',
        'snapshot',
        'address',
        'nat_gateway',
        'database',
        'bucket',
        'container_service',
        'cluster',
        'commitment',
      ]),
    )
    const instances = new Set(found.filter(({ kind }) => kind === 'instance').map(({ id }) => id))
    const attached = found.filter(({ kind }) => kind === 'volume').map(({ attachedTo }) => attachedTo)
    expect(attached.filter((id) => id !== undefined && !instances.has(id))).toEqual([])
    expect([attached.includes(undefined), attached.some((id) => id !== undefined)]).toEqual([true, true])
  })

  test('are measured as their bill says: busy, idle, or in office hours', async () => {
    const day = '2026-11-25'
    const rows = (await billed()).filter((row) => row['ChargePeriodStart']?.startsWith(day))
    const unitsOf = (resource: Resource) =>
      rows
        .filter((row) => namesOf(resource).includes(row['ResourceId'] ?? ''))
        .reduce((sum, row) => sum + Math.max(0, Number(row['ConsumedQuantity'])), 0)
    const measured: Measurement[] = []
    for (const id of Object.keys(world.clouds.roles.gcp)) {
      const { gcp, access, problems } = collection(id)
      const resources = found.filter((each) => each.aliases?.some((name) => name.includes(`/projects/${id}/`)))
      const look = async () => (await Array.fromAsync(gcp.utilization(access, { day, resources }))).flat()
      const first = await look()
      expect(await look()).toEqual(first)
      expect(problems).toEqual([])
      measured.push(...first)
    }
    expect(measured.filter(({ hour }) => !hour.startsWith(day))).toEqual([])
    expect(measured.filter(({ average, maximum }) => average < 0 || maximum < average)).toEqual([])
    const kinds = new Map(found.map(({ id, kind }) => [id, kind]))
    const series = measured.map(({ resourceId, metric }) => `${kinds.get(resourceId)} ${metric}`)
    expect(new Set(series)).toEqual(
      new Set([
        ...['cpu', 'memory', 'network_in', 'network_out', 'disk_read', 'disk_write', 'disk_operations'].map(
          (metric) => `instance ${metric}`,
        ),
        ...['cpu', 'memory', 'disk', 'disk_operations', 'connections'].map((metric) => `database ${metric}`),
        'nat_gateway network_out',
        'bucket requests',
        'container_service requests',
      ]),
    )
    const means = found.flatMap((resource) => {
      const points = measured.filter(({ resourceId, metric }) => resourceId === resource.id && metric === 'cpu')
      if (resource.kind !== 'instance' || points.length === 0) return []
      expect(points).toHaveLength(Math.ceil(unitsOf(resource)))
      return [points.reduce((sum, { average }) => sum + average, 0) / points.length]
    })
    expect([means.some((mean) => mean < 3), means.some((mean) => mean > 25)]).toEqual([true, true])
    const gateway = found.find(({ kind }) => kind === 'nat_gateway')
    const sent = measured.filter(({ resourceId }) => resourceId === gateway?.id)
    const billedGb = gateway ? unitsOf(gateway) : NaN
    expect(sent.reduce((sum, { average }) => sum + average, 0) / 1e9).toBeCloseTo(billedGb, 3)
  })
})

describe('faults', () => {
  const fetched = async () => await (await bills()).fetched('2026-10')
  const listed = async () => {
    const { gcp, access, problems } = collection()
    const parts = await Array.fromAsync(gcp.inventory(access))
    return { parts: parts.map(({ part }) => part), problems, resources: parts.flatMap(({ resources }) => resources) }
  }

  test.each<CallFault>([
    { kind: 'throttled', times: 1, seconds: 1 },
    { kind: 'failed', times: 2 },
    { kind: 'cut', times: 2 },
    { kind: 'lost', times: 2 },
    { kind: 'slow', times: 1, seconds: 0.2 },
  ])('that pass are waited for ($kind)', async (fault) => {
    const [rows, before] = [await fetched(), await listed()]
    world.clouds.faults.calls = [
      'bigquery.jobs.insert',
      'bigquery.jobs.getQueryResults',
      'compute.disks.aggregatedList',
    ].map((call) => ({ ...fault, call }))
    expect(await fetched()).toEqual(rows)
    const { problems, resources } = await listed()
    expect([problems, resources.length]).toEqual([[], before.resources.length])
    expect(world.clouds.faults.calls.map(({ times }) => times)).toEqual([0, 0, 0])
  })

  test.each([
    ['throttled', 'throttled'],
    ['failed', 'unavailable'],
    ['cut', 'unavailable'],
    ['disabled', 'api_disabled'],
  ] as const)('that last cost one part (%s), and a later collection finds it', async (kind, state) => {
    const before = await listed()
    world.clouds.faults.calls = [{ call: 'compute.disks.aggregatedList', kind, times: 1000, seconds: 1 }]
    const { parts, problems } = await listed()
    expect(problems.map((problem) => [problem.part, problem.state])).toEqual([['compute:disks', state]])
    expect(parts).toEqual(before.parts.filter((part) => part !== 'compute:disks'))
    world.clouds.faults.calls = []
    expect((await listed()).resources).toHaveLength(before.resources.length)
  })

  test('of an expired token end the collection; the next one signs in again', async () => {
    const rows = await fetched()
    for (const call of ['compute.disks.aggregatedList', 'bigquery.jobs.getQueryResults']) {
      world.clouds.faults.calls = [{ call, kind: 'expired', times: 1 }]
      await expect(call.startsWith('compute') ? listed() : fetched()).rejects.toMatchObject({ code: 'forbidden' })
    }
    expect(await fetched()).toEqual(rows)
  })

  test('of a disabled API are named at the connection and at the bills', async () => {
    world.clouds.faults.calls = [{ call: 'bigquery.datasets.list', kind: 'disabled', times: 2 }]
    const { gcp, access } = collection()
    expect(await gcp.verify(access.credentials)).toMatchObject({
      problems: [{ code: 'not_found', message: expect.stringMatching(/BigQuery API is not enabled/) }],
    })
    expect((await bills()).problems).toMatchObject([{ state: 'api_disabled', part: 'bigquery' }])
  })

  test('name the time to wait', async () => {
    world.clouds.faults.calls = [{ call: 'bigquery.jobs.getQueryResults', kind: 'throttled', times: 4, seconds: 7 }]
    await expect(bills()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7 })
  })

  test('of a slow page do not hold up the end of a collection', async () => {
    world.clouds.faults.calls = [{ kind: 'slow', call: 'compute.instances.aggregatedList', times: 1, seconds: 9 }]
    const { gcp, access } = collection(undefined, AbortSignal.timeout(300))
    const began = Date.now()
    await expect(Array.fromAsync(gcp.inventory(access))).rejects.toThrow(/abort/i)
    expect(Date.now() - began).toBeLessThan(5000)
  })
})
