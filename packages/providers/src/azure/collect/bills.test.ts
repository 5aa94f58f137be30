import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BillDelivery } from '@cloudoptima/core'
import type { Loopback, Reply } from '../../testing/loopback.ts'
import { collection, type FakeSubscription, serve, storageId, subscriptionId } from './testing.ts'

const waits = vi.hoisted((): number[] => [])
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void waits.push(ms) }))

let cloud: Loopback | undefined
let folder = ''
beforeEach(async () => {
  waits.length = 0
  folder = await mkdtemp(join(tmpdir(), 'azure-bills-'))
})
afterEach(async () => {
  await cloud?.close()
  await rm(folder, { recursive: true })
})

const exported = (name: string, type = 'FocusCost', destination: object = {}) => ({
  id: `/subscriptions/${subscriptionId}/providers/Microsoft.CostManagement/exports/${name}`,
  name,
  properties: {
    definition: { type, timeframe: 'MonthToDate' },
    deliveryInfo: {
      destination: { resourceId: storageId, container: 'costs', rootFolderPath: '/finops/daily', ...destination },
    },
  },
})

interface RunOf {
  export?: string
  range?: string
  run?: string
  submitted?: string
  parts?: Record<string, string>
  manifest?: object
  timeFrame?: string
  dataVersion?: string
}

type Blobs = NonNullable<FakeSubscription['blobs']>

/** Writes a run as Cost Management does. */
function deliver(blobs: Blobs, given: RunOf = {}): string {
  const { range = '20261101-20261130', run = 'run-1', submitted = '2026-11-27T01:00:00.1234567Z' } = given
  const { parts = { 'part_0_0001.csv': 'costs' }, timeFrame = 'MonthToDate', dataVersion = '1.2-preview' } = given
  const directory = `finops/daily/${given.export ?? 'focus'}/${range}/${run}`
  const modifiedAt = new Date(submitted)
  const day = (digits: string) => `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}T00:00:00`
  const [startDate, endDate] = range.split('-').map(day)
  const manifest = {
    manifestVersion: '2024-04-01',
    dataRowCount: 1,
    exportConfig: { exportName: given.export ?? 'focus', dataVersion, timeFrame },
    runInfo: { submittedTime: submitted, runId: run, startDate, endDate },
    blobs: Object.entries(parts).map(([name, text]) => ({ blobName: `${directory}/${name}`, byteCount: text.length })),
    ...given.manifest,
  }
  for (const [name, text] of Object.entries(parts))
    blobs.set(`costs/${directory}/${name}`, { bytes: Buffer.from(text), modifiedAt })
  blobs.set(`costs/${directory}/manifest.json`, { bytes: Buffer.from(JSON.stringify(manifest)), modifiedAt })
  return `costs/${directory}`
}

async function collect(fake: FakeSubscription, fetch = true) {
  await cloud?.close()
  cloud = await serve(fake)
  const made = collection(cloud.url)
  const deliveries = await Array.fromAsync(made.azure.bills(made.access))
  const fetched: Record<string, Record<string, string>> = {}
  if (fetch) for (const delivery of deliveries) fetched[delivery.id] = await contentOf(delivery)
  return { ...made, deliveries, fetched }
}

async function contentOf(delivery: BillDelivery): Promise<Record<string, string>> {
  const within = await mkdtemp(join(folder, 'fetch-'))
  const files = await delivery.fetch(within)
  expect(files.map(({ path }) => path).toSorted()).toEqual(
    (await readdir(within)).map((name) => join(within, name)).toSorted(),
  )
  return Object.fromEntries(
    await Promise.all(files.map(async ({ name, path }) => [name, await readFile(path, 'utf8')])),
  )
}

const on = (part: string, reply: Reply, times = 1): FakeSubscription['override'] => {
  let left = times
  return ({ path, query }) => ((path + query.toString()).includes(part) && left-- > 0 ? reply : undefined)
}

describe('exports with manifests', () => {
  test('yield the newest complete run of each month, the newest month first', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { run: 'old', parts: { 'part_0_0001.csv': 'yesterday' }, submitted: '2026-11-26T01:00:00Z' })
    deliver(blobs, { run: 'new', parts: { 'part_0_0001.csv.gz': 'today', 'part_1_0001.csv.gz': 'more' } })
    deliver(blobs, { range: '20261001-20261031', parts: { 'part_0_0001.snappy.parquet': 'october' } })
    const { deliveries, fetched, problems, taken } = await collect({ exports: [exported('focus')], blobs })
    expect(deliveries.map(({ id, period }) => [id, period])).toEqual([
      ['focus/2026-11', '2026-11'],
      ['focus/2026-10', '2026-10'],
    ])
    const at = 'finops/daily/focus'
    expect(fetched).toEqual({
      'focus/2026-11': {
        [`${at}/20261101-20261130/new/part_0_0001.csv.gz`]: 'today',
        [`${at}/20261101-20261130/new/part_1_0001.csv.gz`]: 'more',
      },
      'focus/2026-10': { [`${at}/20261001-20261031/run-1/part_0_0001.snappy.parquet`]: 'october' },
    })
    expect(problems).toEqual([])
    const downloaded = taken.reduce((sum, { bytes = 0 }) => sum + bytes, 0)
    expect(downloaded).toBe(['today', 'more', 'october'].join('').length)
    expect(new Set(taken.map(({ api }) => api))).toEqual(
      new Set(['login:token', 'Microsoft.CostManagement/exports/read', 'blob:ListBlobs', 'blob:GetBlob']),
    )
  })

  test('have another version with each run, and the same version without one', async () => {
    const blobs: Blobs = new Map()
    const fake = { exports: [exported('focus')], blobs }
    deliver(blobs)
    const versions = async () => (await collect(fake, false)).deliveries.map(({ version }) => version)
    const before = await versions()
    expect(await versions()).toEqual(before)
    for (const name of blobs.keys()) blobs.delete(name)
    deliver(blobs, { run: 'run-2' })
    expect(await versions()).not.toEqual(before)
  })

  test.each([
    [
      'a part is missing',
      { manifest: { blobs: [{ blobName: 'finops/daily/focus/20261101-20261130/new/part_9.csv' }] } },
    ],
    [
      'a part has another size',
      { manifest: { blobs: [{ blobName: 'finops/daily/focus/20261101-20261130/new/part_0_0001.csv', byteCount: 1 }] } },
    ],
    ['the manifest is of another form', { manifest: { runInfo: {} } }],
    [
      'it covers part of the month',
      {
        manifest: {
          runInfo: {
            submittedTime: '2026-11-27T01:00:00Z',
            startDate: '2026-11-03T00:00:00',
            endDate: '2026-11-30T00:00:00',
          },
        },
      },
    ],
  ])('do not yield a run if %s, but the run before', async (_, given: RunOf) => {
    const blobs: Blobs = new Map()
    deliver(blobs, { run: 'new', ...given })
    const alone = await collect({ exports: [exported('focus')], blobs })
    expect(alone.deliveries).toEqual([])
    expect(alone.problems).toMatchObject([{ state: 'bill_incomplete', part: 'exports/focus/2026-11' }])
    deliver(blobs, { run: 'old', parts: { 'part_0_0001.csv': 'before' }, submitted: '2026-11-20T01:00:00Z' })
    const { fetched, problems } = await collect({ exports: [exported('focus')], blobs })
    expect(fetched).toEqual({
      'focus/2026-11': { 'finops/daily/focus/20261101-20261130/old/part_0_0001.csv': 'before' },
    })
    expect(problems).toEqual([])
  })

  test('of a month without costs are no bill and no problem', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { parts: {}, manifest: { dataRowCount: 0 } })
    expect(await collect({ exports: [exported('focus')], blobs })).toMatchObject({ deliveries: [], problems: [] })
  })

  test('of a run of chosen days are not bills, unless the days are a month', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { range: '20261005-20261011', timeFrame: 'Custom' })
    deliver(blobs, { range: '20260901-20260930', timeFrame: 'Custom' })
    const { deliveries } = await collect({ exports: [exported('focus')], blobs })
    expect(deliveries.map(({ id }) => id)).toEqual(['focus/2026-09'])
  })

  test('of the month to date are bills, although the month is not over', async () => {
    const blobs: Blobs = new Map()
    const runInfo = {
      submittedTime: '2026-11-27T01:00:00Z',
      startDate: '2026-11-01T00:00:00',
      endDate: '2026-11-27T00:00:00',
    }
    deliver(blobs, { manifest: { runInfo } })
    expect((await collect({ exports: [exported('focus')], blobs })).deliveries).toHaveLength(1)
  })

  test('are read for thirteen months', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { range: '20251101-20251130' })
    deliver(blobs, { range: '20251001-20251031' })
    expect((await collect({ exports: [exported('focus')], blobs })).deliveries.map(({ period }) => period)).toEqual([
      '2025-11',
    ])
  })

  test('may have any name that a URL can have, and none leads out of the folder', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { parts: { '..%2f..%2fa b&<+#?é.csv': 'costs' } })
    const { fetched } = await collect({ exports: [exported('focus')], blobs })
    expect(Object.values(fetched['focus/2026-11'] ?? {})).toEqual(['costs'])
    blobs.clear()
    deliver(blobs, { parts: { '../../../../evil.csv': 'costs' } })
    const { deliveries, problems } = await collect({ exports: [exported('focus')], blobs })
    expect(deliveries).toEqual([])
    expect(problems).toMatchObject([{ state: 'bill_incomplete' }])
  })
})

describe('of several exports', () => {
  const all = [
    exported('actual', 'ActualCost'),
    exported('amortized', 'AmortizedCost'),
    exported('focus'),
    exported('prices', 'PriceSheet'),
  ]

  test('FOCUS is preferred in each month that it has', async () => {
    const blobs: Blobs = new Map()
    for (const name of ['actual', 'amortized', 'focus']) deliver(blobs, { export: name })
    for (const name of ['actual', 'amortized']) deliver(blobs, { export: name, range: '20261001-20261031' })
    const { deliveries, fetched } = await collect({ exports: all, blobs })
    expect(deliveries.map(({ id }) => id)).toEqual(['focus/2026-11', 'actual+amortized/2026-10'])
    expect(Object.keys(fetched['actual+amortized/2026-10'] ?? {})).toEqual([
      'actual/finops/daily/actual/20261001-20261031/run-1/part_0_0001.csv',
      'amortized/finops/daily/amortized/20261001-20261031/run-1/part_0_0001.csv',
    ])
  })

  test.each([
    ['1.2-preview', '1.0r2'],
    ['1.2', '1.2-preview'],
    ['1.0r2', '1.0'],
    ['1.0', '1.0-preview(v1)'],
  ])('FOCUS %s is preferred to a newer run of %s', async (newer, older) => {
    const blobs: Blobs = new Map()
    const submitted = '2026-11-28T01:00:00Z'
    deliver(blobs, { export: 'older', dataVersion: older, parts: { 'a.csv': 'old' }, submitted })
    deliver(blobs, { export: 'newer', dataVersion: newer, parts: { 'a.csv': 'new' } })
    const { fetched } = await collect({ exports: [exported('older'), exported('newer')], blobs })
    expect(Object.values(fetched['focus/2026-11'] ?? {})).toEqual(['new'])
  })

  test('half of a pair is no bill, and is reported', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { export: 'actual' })
    const pair = all.slice(0, 2)
    const { deliveries, problems } = await collect({ exports: pair, blobs })
    expect(deliveries).toEqual([])
    expect(problems).toMatchObject([{ state: 'bill_incomplete', part: 'exports/2026-11' }])
    deliver(blobs, { export: 'amortized' })
    const first = await collect({ exports: pair, blobs })
    deliver(blobs, { export: 'amortized', run: 'run-2', submitted: '2026-11-28T01:00:00Z' })
    const second = await collect({ exports: pair, blobs })
    expect(first.deliveries[0]?.version).not.toBe(second.deliveries[0]?.version)
  })

  test('one kind alone is a bill', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { export: 'actual' })
    const { deliveries } = await collect({ exports: [exported('actual', 'Usage')], blobs })
    expect(deliveries.map(({ id }) => id)).toEqual(['actual/2026-11'])
  })
})

test('exports without manifests yield the newest file of a month', async () => {
  const blobs: Blobs = new Map()
  const at = 'costs/finops/daily/old/20261001-20261031/old_'
  const guid = (digit: string) => digit.repeat(8) + '-1111-4111-8111-' + digit.repeat(12)
  for (const [day, digit] of [
    ['03', 'a'],
    ['05', 'b'],
    ['04', 'c'],
  ] as const)
    blobs.set(`${at}${guid(digit)}.csv`, {
      bytes: Buffer.from(digit),
      modifiedAt: new Date(`2026-11-${day}T00:00:00Z`),
    })
  blobs.set('costs/finops/daily/old/20261005-20261011/old_x.csv', { bytes: Buffer.from('x'), modifiedAt: new Date() })
  const { fetched, problems } = await collect({ exports: [exported('old', 'ActualCost')], blobs })
  expect(Object.values(fetched['actual/2026-10'] ?? {})).toEqual(['b'])
  expect(problems).toEqual([])
})

describe('a problem is reported with its remedy', () => {
  test('if there is no export', async () => {
    const { problems } = await collect({})
    expect(problems).toEqual([{ state: 'no_export', part: 'exports', message: expect.stringMatching(/Create one/) }])
  })

  test('if the container cannot be read, and the other export is read', async () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { export: 'actual' })
    const override: FakeSubscription['override'] = ({ path }) =>
      path.startsWith('/blob/acmecosts/secret')
        ? { status: 403, headers: { 'x-ms-error-code': 'AuthorizationPermissionMismatch' } }
        : undefined
    const exports = [exported('focus', 'FocusCost', { container: 'secret' }), exported('actual', 'ActualCost')]
    const { deliveries, problems } = await collect({ exports, blobs, override })
    expect(deliveries.map(({ id }) => id)).toEqual(['actual/2026-11'])
    expect(problems).toEqual([
      {
        state: 'permission_missing',
        part: 'exports/focus',
        message: expect.stringMatching(/Storage Blob Data Reader.*secret/),
      },
    ])
  })

  test('if exports may not be listed', async () => {
    const { problems } = await collect({
      override: on('/exports', { status: 403, body: { error: { code: 'AuthorizationFailed' } } }),
    })
    expect(problems).toMatchObject([
      { state: 'permission_missing', part: 'exports', message: expect.stringMatching(/Cost Management Reader/) },
    ])
  })

  test.each([
    [
      'covers one resource group',
      {
        ...exported('focus'),
        id: `/subscriptions/${subscriptionId}/resourceGroups/a/providers/Microsoft.CostManagement/exports/focus`,
      },
    ],
    ['has a bad account', exported('focus', 'FocusCost', { resourceId: '/x/storageAccounts/evil.example' })],
    ['has a bad container', exported('focus', 'FocusCost', { container: 'a/../b' })],
  ])('if an export %s, without a request to it', async (_, one) => {
    const { deliveries, problems } = await collect({ exports: [one], blobs: new Map() })
    expect(deliveries).toEqual([])
    expect(problems).toMatchObject([{ state: 'bill_incomplete', part: 'exports/focus' }, { state: 'no_export' }])
    expect(cloud?.seen.filter(({ path }) => path.startsWith('/blob'))).toEqual([])
  })
})

describe('a bill that is restated while it is read', () => {
  const conflict = { name: 'Fault', code: 'conflict' }

  test.each([
    [
      'a file changed',
      (blobs: Blobs, at: string) =>
        blobs.set(`${at}/part_0_0001.csv`, { bytes: Buffer.from('other'), modifiedAt: new Date() }),
    ],
    ['a file is gone', (blobs: Blobs, at: string) => blobs.delete(`${at}/part_0_0001.csv`)],
    [
      'the manifest changed',
      (blobs: Blobs, at: string) =>
        blobs.set(`${at}/manifest.json`, { bytes: Buffer.from('{}'), modifiedAt: new Date() }),
    ],
    ['the manifest is gone', (blobs: Blobs, at: string) => blobs.delete(`${at}/manifest.json`)],
  ])('is a conflict if %s', async (_, change) => {
    const blobs: Blobs = new Map()
    const at = deliver(blobs)
    const { deliveries } = await collect({ exports: [exported('focus')], blobs }, false)
    change(blobs, at)
    await expect(deliveries[0]?.fetch(folder)).rejects.toMatchObject(conflict)
  })
})

describe('Azure', () => {
  const setup = () => {
    const blobs: Blobs = new Map()
    deliver(blobs, { parts: { 'a.csv': 'x'.repeat(100_000) } })
    return { exports: [exported('focus')], blobs }
  }

  test.each([
    ['breaks a download', 'a.csv', { isCut: true, body: new Uint8Array(100_000) }],
    ['ends a download early', 'a.csv', { body: new Uint8Array(10) }],
    ['breaks a list', 'comp=list', { isCut: true }],
    ['is busy', 'manifest.json', { status: 503 }],
    ['has a time-out', '/exports', { status: 408 }],
    ['cannot sign in', '/token', { status: 503 }],
  ])('is asked again if it %s', async (_, part, reply) => {
    const { fetched, problems } = await collect({ ...setup(), override: on(part, reply) })
    expect(Object.values(fetched['focus/2026-11'] ?? {})).toEqual(['x'.repeat(100_000)])
    expect(problems).toEqual([])
  })

  test('is asked four times, then it is unavailable', async () => {
    const fake = {
      ...setup(),
      override: ({ path }: { path: string }) => (path.endsWith('/exports') ? { status: 500 } : undefined),
    }
    await expect(collect(fake)).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
    expect(cloud?.seen.filter(({ path }) => path.endsWith('/exports'))).toHaveLength(4)
    for (const [attempt, ms] of waits.entries()) expect(ms).toBeLessThanOrEqual(200 * 4 ** attempt)
  })

  test.each([
    ['is cut JSON', { headers: { 'content-type': 'application/json' }, body: '{"value":["canary' }],
    ['is a page', { headers: { 'content-type': 'text/html' }, body: '<p>canary</p>' }],
    ['has no list', { body: { canary: true } }],
  ])('is unavailable, not without exports, if the list of exports %s', async (_, reply) => {
    const error: unknown = await collect({ ...setup(), override: on('/exports', reply) }).catch((one: unknown) => one)
    expect(error).toMatchObject({ name: 'Fault', code: 'unavailable' })
    expect(inspect(error, { depth: null })).not.toMatch(/canary|token of/)
  })

  test('lists exports in a version that knows FOCUS, with one signed request', async () => {
    await collect(setup())
    const listed = cloud?.seen.filter(({ path }) => path.endsWith('/exports')) ?? []
    expect(
      listed.map(({ method, query, headers }) => [method, query.get('api-version'), headers.authorization]),
    ).toEqual([['GET', '2025-03-01', 'Bearer token of management.azure.com']])
  })

  test('may ask to wait', async () => {
    await collect({ ...setup(), override: on('/exports', { status: 429, headers: { 'retry-after': '7' } }) })
    expect(waits[0]).toBeGreaterThanOrEqual(7000)
  })

  test('may ask to wait for longer than a collection does', async () => {
    const fake = { ...setup(), override: on('/exports', { status: 429, headers: { 'retry-after': '600' } }) }
    await expect(collect(fake)).rejects.toMatchObject({ name: 'Fault', code: 'rate_limited', retryAfterSeconds: 600 })
    expect(waits).toEqual([])
  })

  test('refuses the credentials', async () => {
    const reply = { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215: canary' } }
    await expect(collect({ override: on('/token', reply) })).rejects.toMatchObject({ name: 'Fault', code: 'forbidden' })
    const later = { status: 401, body: { error: { code: 'InvalidAuthenticationToken', message: 'canary' } } }
    await expect(collect({ override: on('/exports', later, 2) })).rejects.toMatchObject({
      name: 'Fault',
      code: 'forbidden',
    })
  })

  test('may end a token before its time: a new one is asked for once', async () => {
    const body = { error: { code: 'ExpiredAuthenticationToken', message: 'canary' } }
    const { deliveries, taken } = await collect({ ...setup(), override: on('/exports', { status: 401, body }) })
    expect(deliveries).not.toEqual([])
    expect(taken.slice(0, 4).map(({ api }) => api)).toEqual([
      'login:token',
      'Microsoft.CostManagement/exports/read',
      'login:token',
      'Microsoft.CostManagement/exports/read',
    ])
  })

  test.each([
    [3600, 2],
    [60, 5],
  ])('gives tokens for %i s, and is asked for them %i times', async (expires_in, times) => {
    const body = (scope: string) => ({
      token_type: 'Bearer',
      expires_in,
      access_token: `token of ${scope.includes('storage') ? 'storage' : 'management'}.azure.com`,
    })
    const override: FakeSubscription['override'] = (asked) =>
      asked.path.endsWith('/token') ? { body: body(asked.body) } : undefined
    const { taken } = await collect({ ...setup(), override })
    expect(taken.filter(({ api }) => api === 'login:token')).toHaveLength(times)
    expect(cloud?.seen.filter(({ path }) => path.endsWith('/token'))).toHaveLength(times)
  })

  test('is asked no more after the collection is aborted', async () => {
    cloud = await serve(setup())
    const { azure, access, abort } = collection(cloud.url)
    const [delivery] = await Array.fromAsync(azure.bills(access))
    abort.abort(new Error('over'))
    const { length } = cloud.seen
    await expect(delivery?.fetch(folder)).rejects.toThrow('over')
    expect(cloud.seen).toHaveLength(length)
  })

  test('gets tokens for its own hosts only, and no secret is in an error', async () => {
    const fake = {
      ...setup(),
      override: ({ path }: { path: string }) =>
        path.startsWith('/blob') ? { status: 500, body: 'canary' } : undefined,
    }
    const error = await collect(fake).catch((error: unknown) => error)
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).stack)}`).not.toMatch(/canary|token of/)
    const bearers = (path: string) =>
      new Set(cloud?.seen.filter((one) => one.path.startsWith(path)).map(({ headers }) => headers.authorization))
    expect(bearers('/blob/')).toEqual(new Set(['Bearer token of storage.azure.com']))
    expect(bearers('/subscriptions/')).toEqual(new Set(['Bearer token of management.azure.com']))
  })
})

test('each part arrives exactly once, whatever the pages and the faults', async () => {
  const fault = fc.constantFrom<Reply>(
    { status: 503 },
    { status: 429, headers: { 'retry-after': '1' } },
    { isCut: true, body: 'x' },
  )
  const cases = {
    parts: fc.integer({ min: 1, max: 12 }),
    pageSize: fc.integer({ min: 1, max: 5 }),
    faults: fc.array(fc.option(fault), { maxLength: 20 }),
  }
  await fc.assert(
    fc.asyncProperty(fc.record(cases), async ({ parts, pageSize, faults }) => {
      const names = Array.from({ length: parts }, (_, i) => [`part_${i}_0001.csv`, `content ${i}`] as const)
      const blobs: Blobs = new Map()
      deliver(blobs, { parts: Object.fromEntries(names) })
      deliver(blobs, { range: '20261001-20261031' })
      const queue = faults.filter((_, i) => i % 4 !== 0)
      const override: FakeSubscription['override'] = ({ path }) =>
        path.startsWith('/blob') || path.endsWith('/exports') ? (queue.shift() ?? undefined) : undefined
      // At most three faults come in a row.
      for (let i = 3; i < queue.length; i += 4) queue[i] = null
      const { fetched, problems } = await collect({ exports: [exported('focus')], blobs, pageSize, override })
      expect(Object.keys(fetched)).toEqual(['focus/2026-11', 'focus/2026-10'])
      expect(Object.values(fetched['focus/2026-11'] ?? {}).toSorted()).toEqual(names.map(([, text]) => text).toSorted())
      expect(problems).toEqual([])
    }),
    { numRuns: 25 },
  )
})
