import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Loopback, Reply } from '../../testing/loopback.ts'
import { collection, credentials, type FakeSubscription, serve, subscriptionId } from './testing.ts'

const waits = vi.hoisted((): number[] => [])
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void waits.push(ms) }))

let cloud: Loopback | undefined
afterEach(async () => {
  waits.length = 0
  await cloud?.close()
})

async function collect(fake: FakeSubscription) {
  await cloud?.close()
  cloud = await serve(fake)
  const made = collection(cloud.url)
  const deliveries = await Array.fromAsync(made.azure.preliminary(made.access))
  const folder = await mkdtemp(join(tmpdir(), 'azure-costs-'))
  const texts: string[] = []
  for (const delivery of deliveries) {
    const [file] = await delivery.fetch(folder)
    texts.push(await readFile(file?.path ?? '', 'utf8'))
  }
  await rm(folder, { recursive: true })
  return { ...made, deliveries, rows: texts.map(rowsOf) }
}

function rowsOf(text: string): Record<string, string>[] {
  const [head = [], ...lines] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(1, -1).split('","'))
  return lines.map((line) => Object.fromEntries(head.map((name, i) => [name, line[i] ?? ''])))
}

const row = (cost: string, day = 20261103, service = 'Virtual Machines') =>
  `[${cost},${day},"${service}","EU West","EUR"]`

test('costs of this month and the one before come as FOCUS rows, actual and amortized costs apart', async () => {
  const { deliveries, rows, problems } = await collect({
    costs: {
      'ActualCost/2026-11': [row('12.5')],
      'AmortizedCost/2026-11': [row('7')],
      'ActualCost/2026-10': [row('1', 20261031)],
      'ActualCost/2026-09': [row('1', 20260901)],
    },
  })
  const preliminary = { accountId: subscriptionId }
  expect(deliveries).toMatchObject([
    { id: 'query/2026-11', period: '2026-11', preliminary },
    { id: 'query/2026-10', period: '2026-10', preliminary },
  ])
  expect(rows[0]?.map(({ BilledCost, EffectiveCost }) => [BilledCost, EffectiveCost])).toEqual([
    ['12.5', '0'],
    ['0', '7'],
  ])
  expect(rows[1]).toEqual([
    {
      BilledCost: '1',
      EffectiveCost: '0',
      BillingCurrency: 'EUR',
      BillingAccountId: `/subscriptions/${subscriptionId}`,
      BillingAccountType: 'Subscription',
      SubAccountId: `/subscriptions/${subscriptionId}`,
      SubAccountType: 'Subscription',
      BillingPeriodStart: '2026-10-01T00:00:00Z',
      BillingPeriodEnd: '2026-11-01T00:00:00Z',
      ChargePeriodStart: '2026-10-31T00:00:00Z',
      ChargePeriodEnd: '2026-11-01T00:00:00Z',
      ChargeCategory: 'Usage',
      ChargeFrequency: 'Usage-Based',
      InvoiceIssuerName: 'Microsoft',
      ProviderName: 'Microsoft',
      PublisherName: 'Microsoft',
      ServiceName: 'Virtual Machines',
      RegionId: 'euwest',
      RegionName: 'EU West',
    },
  ])
  expect(problems).toEqual([])
})

test.each([
  '0.1',
  '1.0',
  '-3.50',
  '0.1000000000000000055511151231257827',
  '3.7308323144897e-06',
  '1234567890123456.789',
  '1E-5',
])('the amount %s stays as it was written', async (amount) => {
  const { rows } = await collect({ costs: { 'ActualCost/2026-11': [row(amount)] } })
  expect(rows[0]?.map(({ BilledCost }) => BilledCost)).toEqual([amount])
})

test('the column of the cost may have the name of older agreements', async () => {
  const columns = ['PreTaxCost', 'UsageDate', 'ServiceName', 'ResourceLocation', 'Currency'].map((name) => ({ name }))
  const override: FakeSubscription['override'] = ({ path }) =>
    path.endsWith('/query')
      ? { body: { properties: { columns, rows: [[2.5, 20261103, 's', 'l', 'USD']] } } }
      : undefined
  const { rows } = await collect({ override })
  expect(rows[0]?.map(({ BilledCost }) => BilledCost)).toEqual(['2.5', '0'])
})

test('names with quotes, commas and line breaks stay in their field', async () => {
  const { deliveries } = await collect({
    costs: { 'ActualCost/2026-11': [row('1', 20261103, String.raw`a \"b\", \n c`)] },
  })
  const folder = await mkdtemp(join(tmpdir(), 'azure-costs-'))
  const [file] = (await deliveries[0]?.fetch(folder)) ?? []
  expect(await readFile(file?.path ?? '', 'utf8')).toContain('"a ""b"", \n c"')
  await rm(folder, { recursive: true })
})

test('the version differs whenever an amount does', async () => {
  const version = async (amount: string) =>
    (await collect({ costs: { 'ActualCost/2026-11': [row(amount)] } })).deliveries[0]?.version
  expect(await version('1')).toBe(await version('1'))
  expect(await version('1')).not.toBe(await version('2'))
})

test('all pages are read, and none twice, whatever the faults', async () => {
  const fault = fc.constantFrom<Reply>(
    { status: 503 },
    { status: 429, headers: { 'retry-after': '1' } },
    { isCut: true, body: 'x' },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.option(fault), { maxLength: 12 }),
      async (count, pageSize, faults) => {
        const queue = faults.map((one, i) => (i % 4 === 3 ? null : one))
        const all = Array.from({ length: count }, (_, i) => row(String(i + 1), 20261101 + i))
        const { rows } = await collect({
          costs: { 'ActualCost/2026-11': all, 'AmortizedCost/2026-11': all },
          pageSize,
          override: ({ path }) => (path.endsWith('/query') ? (queue.shift() ?? undefined) : undefined),
        })
        const amounts = Array.from({ length: count }, (_, i) => String(i + 1))
        expect(rows[0]?.map(({ BilledCost }) => BilledCost)).toEqual([...amounts, ...amounts.map(() => '0')])
        expect(rows[0]?.map(({ EffectiveCost }) => EffectiveCost)).toEqual([...amounts.map(() => '0'), ...amounts])
      },
    ),
    { numRuns: 20 },
  )
})

test('each query asks for the whole month, and the next page repeats the question', async () => {
  const all = [row('0.10000000000000000001'), row('0.20000000000000000002')]
  const { rows } = await collect({ costs: { 'ActualCost/2026-11': all }, pageSize: 1 })
  expect(rows[0]?.map(({ BilledCost }) => BilledCost)).toEqual(['0.10000000000000000001', '0.20000000000000000002'])
  const asked = cloud?.seen.filter(({ path }) => path.endsWith('/query')) ?? []
  const [first, second] = asked.map(({ body }) => JSON.parse(body) as unknown)
  expect(first).toMatchObject({
    type: 'ActualCost',
    timeframe: 'Custom',
    timePeriod: { from: '2026-11-01T00:00:00.000Z', to: '2026-11-30T23:59:59.000Z' },
    dataset: { granularity: 'Daily', grouping: [{ name: 'ServiceName' }, { name: 'ResourceLocation' }] },
  })
  expect(second).toEqual(first)
  expect(asked.slice(0, 2).map(({ query }) => query.get('$skiptoken'))).toEqual([null, '1'])
})

test.each([
  ['cut JSON', { headers: { 'content-type': 'application/json' }, body: '{"properties":{"canary' }],
  ['a page', { headers: { 'content-type': 'text/html' }, body: '<p>canary</p>' }],
])('an answer of %s is unavailable, not without costs', async (_, reply) => {
  const override: FakeSubscription['override'] = ({ path }) => (path.endsWith('/query') ? reply : undefined)
  const error: unknown = await collect({ override }).catch((one: unknown) => one)
  expect(error).toMatchObject({ name: 'Fault', code: 'unavailable' })
  expect(inspect(error, { depth: null })).not.toMatch(/canary|token of/)
})

test('pages that lead in circles are an error, not a loop', async () => {
  const nextLink = '/subscriptions/x/query?again'
  const override: FakeSubscription['override'] = ({ path, headers }) =>
    path.endsWith('/query')
      ? { body: { properties: { columns: [], rows: [], nextLink: `https://${headers.host}${nextLink}` } } }
      : undefined
  await expect(collect({ override })).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
})

test('a page on another host gets no token', async () => {
  const override: FakeSubscription['override'] = ({ path }) =>
    path.endsWith('/query') ? { body: { properties: { nextLink: 'https://evil.example/query' } } } : undefined
  await expect(collect({ override })).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
})

describe('the quota of queries', () => {
  test('of the tenant is shared', async () => {
    const { taken } = await collect({})
    const name = `azure-qpu/${credentials.tenantId}`
    const queries = taken.filter(({ api }) => api === 'Microsoft.CostManagement/query/action')
    expect(queries).toHaveLength(4)
    expect(queries[0]?.limits).toEqual([
      { name, most: 12, windowSeconds: 10 },
      { name, most: 60, windowSeconds: 60 },
      { name, most: 600, windowSeconds: 3600 },
    ])
  })

  test.each([
    ['qpu', 9],
    ['entity', 60],
    ['tenant', 12],
    ['client', 45],
  ])('is obeyed by the longest wait that Azure names: %s, %i s', async (what, seconds) => {
    const headers = {
      [`x-ms-ratelimit-microsoft.costmanagement-${what}-retry-after`]: String(seconds),
      'retry-after': '1',
    }
    let left = 1
    const override: FakeSubscription['override'] = ({ path }) =>
      path.endsWith('/query') && left-- > 0 ? { status: 429, headers } : undefined
    const collected = collect({ override, costs: { 'ActualCost/2026-11': [row('1')] } })
    if (seconds > 30)
      await expect(collected).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: seconds })
    else {
      expect((await collected).deliveries).toHaveLength(1)
      expect(waits[0]).toBeGreaterThanOrEqual(seconds * 1000)
    }
  })
})

test('hidden costs are reported with the remedy', async () => {
  const override: FakeSubscription['override'] = ({ path }) =>
    path.endsWith('/query') ? { status: 401, body: { error: { code: 'RBACAccessDenied' } } } : undefined
  const { deliveries, problems } = await collect({ override })
  expect(deliveries).toEqual([])
  expect(problems).toMatchObject([
    { state: 'permission_missing', part: 'costs/2026-11', message: expect.stringMatching(/Cost Management Reader/) },
    { state: 'permission_missing', part: 'costs/2026-10' },
  ])
})
