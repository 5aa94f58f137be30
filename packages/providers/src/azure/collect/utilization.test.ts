import { afterEach, describe, expect, test, vi } from 'vitest'
import type { UtilizationQuestion } from '@cloudoptima/core'
import type { Loopback } from '../../testing/loopback.ts'
import { collection, type FakeSubscription, serve, subscriptionId } from './testing.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

let cloud: Loopback | undefined
afterEach(async () => await cloud?.close())

type Asked = UtilizationQuestion['resources'][number]

const of = (type: string, name: string, region = 'westeurope'): Asked => ({
  id: `/subscriptions/${subscriptionId}/resourcegroups/rg/providers/${type}/${name}`,
  kind: 'instance',
  region,
  configuration: {},
})
const machine = (name: string, region?: string) => of('microsoft.compute/virtualmachines', name, region)
const metric = (value: string, ...data: object[]) => ({
  name: { value, localizedValue: value },
  timeseries: data.length === 0 ? [] : [{ metadatavalues: [], data }],
  errorCode: 'Success',
})

async function collect(resources: Asked[], fake: FakeSubscription = {}) {
  cloud = await serve(fake)
  const made = collection(cloud.url)
  const values = await Array.fromAsync(made.azure.utilization(made.access, { day: '2026-11-27', resources }))
  const batches = cloud.seen.filter(({ path }) => path.startsWith('/metrics/'))
  return { ...made, values: values.flat(), batches }
}

test('the hours of a machine are read', async () => {
  const at = (hour: string) => ({ timeStamp: `2026-11-27T${hour}:00:00Z` })
  const { values, batches } = await collect([machine('a')], {
    metrics: () => [
      metric('Percentage CPU', { ...at('00'), average: 12.5, maximum: 80, minimum: 1 }, at('01')),
      metric('Available Memory Percentage', { ...at('00'), average: 60, minimum: 10, maximum: 90 }),
      metric(
        'Network In Total',
        { ...at('00'), total: 1000, average: 10 },
        { timeStamp: '2026-11-28T00:00:00Z', total: 5 },
      ),
      metric('Disk Read Bytes', { ...at('23'), total: 0 }),
      metric('Disk Write Bytes'),
    ],
  })
  const one = { resourceId: machine('a').id, hour: '2026-11-27T00:00:00.000Z' }
  expect(values).toEqual([
    { ...one, metric: 'cpu', average: 12.5, maximum: 80 },
    { ...one, metric: 'memory', average: 40, maximum: 90 },
    { ...one, metric: 'network_in', average: 1000, maximum: 1000 },
    { ...one, hour: '2026-11-27T23:00:00.000Z', metric: 'disk_read', average: 0, maximum: 0 },
  ])
  expect(batches).toHaveLength(1)
  expect(batches[0]?.path).toBe(`/metrics/westeurope/subscriptions/${subscriptionId}/metrics:getBatch`)
  expect(Object.fromEntries(batches[0]?.query ?? [])).toMatchObject({
    starttime: '2026-11-27T00:00:00Z',
    endtime: '2026-11-28T00:00:00Z',
    interval: 'PT1H',
    metricnamespace: 'microsoft.compute/virtualmachines',
  })
})

test('at most fifty resources of one type and region are in a batch, each exactly once', async () => {
  const machines = Array.from({ length: 120 }, (_, i) => machine(`vm${i}`))
  const others = [
    machine('far', 'eastus'),
    of('microsoft.sql/servers', 's/databases/db'),
    of('microsoft.compute/snapshots', 's'),
  ]
  const data = { timeStamp: '2026-11-27T05:00:00Z', average: 1, maximum: 2 }
  const metrics = () => [metric('Percentage CPU', data), metric('cpu_percent', data)]
  const { values, batches, problems } = await collect([...machines, ...others], { metrics })
  expect(batches.map(({ body }) => (JSON.parse(body) as { resourceids: string[] }).resourceids.length)).toEqual([
    50, 50, 20, 1, 1,
  ])
  const measured = [...machines, ...others.slice(0, 2)].map(({ id }) => id)
  expect(values.map(({ resourceId }) => resourceId).toSorted()).toEqual(measured.toSorted())
  expect(problems).toEqual([])
})

describe('metrics that cannot be read are reported, and the others come', () => {
  const metrics = () => [metric('Percentage CPU', { timeStamp: '2026-11-27T05:00:00Z', average: 1, maximum: 2 })]
  const both = [machine('a', 'westeurope'), machine('b', 'eastus')]

  test.each([
    ['permission_missing', { status: 403, body: { error: { code: 'AuthorizationFailed' } } }],
    ['unavailable', { status: 500 }],
    ['unavailable', { status: 400, body: { error: { code: 'BadRequest' } } }],
  ])('of a region: %s', async (state, reply) => {
    const override: FakeSubscription['override'] = ({ path }) =>
      path.startsWith('/metrics/westeurope') ? reply : undefined
    const { values, problems } = await collect(both, { metrics, override })
    expect(values.map(({ resourceId }) => resourceId)).toEqual([both[1]?.id])
    expect(problems).toMatchObject([{ state, part: 'metrics/microsoft.compute/virtualmachines/westeurope' }])
  })

  test('of a region whose host is unknown, without a request', async () => {
    const { problems } = await collect([machine('a', 'evil.example/'), machine('b')], { metrics })
    expect(problems).toMatchObject([{ state: 'unavailable' }])
  })

  test('of a tenant that does not know Azure Monitor', async () => {
    const override: FakeSubscription['override'] = ({ body }) =>
      body.includes('metrics.monitor.azure.com')
        ? { status: 400, body: { error: 'invalid_resource', error_description: 'AADSTS500011: canary' } }
        : undefined
    const { values, problems } = await collect(both, { metrics, override })
    expect(values).toEqual([])
    expect(problems).toMatchObject([
      { state: 'permission_missing', message: expect.stringMatching(/AADSTS500011/) },
      {},
    ])
    expect(JSON.stringify(problems)).not.toContain('canary')
  })
})

test('rates of a disk become amounts of the hour; reads and writes are one count, or none', async () => {
  const disk = { ...of('microsoft.compute/disks', 'd'), kind: 'volume' } as const
  const at = (hour: string) => ({ timeStamp: `2026-11-27T${hour}:00:00Z` })
  const { values } = await collect([disk], {
    metrics: () => [
      metric('Composite Disk Read Bytes/sec', { ...at('00'), average: 1000 }),
      metric(
        'Composite Disk Read Operations/sec',
        { ...at('00'), average: 2, maximum: 5 },
        { ...at('01'), average: 9 },
      ),
      metric('Composite Disk Write Operations/sec', { ...at('00'), average: 3, maximum: 4 }),
    ],
  })
  const one = { resourceId: disk.id, hour: '2026-11-27T00:00:00.000Z' }
  expect(values).toEqual([
    { ...one, metric: 'disk_read', average: 3_600_000, maximum: 3_600_000 },
    { ...one, metric: 'disk_operations', average: 5 * 3600, maximum: 9 * 3600 },
  ])
})
