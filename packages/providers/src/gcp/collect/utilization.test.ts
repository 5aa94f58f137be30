import { afterEach, describe, expect, test } from 'vitest'
import type { UtilizationQuestion } from '@cloudoptima/core'
import { type Answers, collectFrom, denial, projectId } from './testing.ts'

let close: () => Promise<void> = async () => undefined
afterEach(async () => {
  await close()
  close = async () => undefined
})

const resource = (kind: UtilizationQuestion['resources'][number]['kind'], id: string, region = 'europe-west1') => ({
  kind,
  id,
  region,
  configuration: {},
})
const vm = resource('instance', '//compute.googleapis.com/projects/4/zones/z/instances/123')

interface Series {
  labels: Record<string, string>
  /** Values by the end of their hour. */
  points: Record<string, number | string>
}

const answer = (...series: Series[]) => ({
  timeSeries: series.map(({ labels, points }) => ({
    resource: { labels },
    points: Object.entries(points).map(([hour, value]) => ({
      interval: { endTime: `2024-10-02T${hour}:00:00Z` },
      value: typeof value === 'string' ? { int64Value: value } : { doubleValue: value },
    })),
  })),
})

/** Answers by metric, and by aligner where it matters. */
function monitoring(given: Record<string, unknown>): Answers {
  return ({ path, query }) => {
    if (path !== `/v3/projects/${projectId}/timeSeries`) return undefined
    const type = /metric\.type="([^"]+)"/.exec(query.get('filter') ?? '')?.[1] ?? ''
    const aligner = query.get('aggregation.perSeriesAligner') ?? ''
    return { body: given[`${type} ${aligner}`] ?? given[type] ?? {} }
  }
}

async function collect(answers: Answers, resources = [vm], { now = '2024-10-03T12:34:56Z', day = '2024-10-02' } = {}) {
  const given = await collectFrom(answers, { now })
  close = given.google.close
  const measurements = (await Array.fromAsync(given.gcp.utilization(given.access, { day, resources }))).flat()
  return { ...given, measurements }
}

const cpu = 'compute.googleapis.com/instance/cpu/utilization'

describe('the utilization of a day', () => {
  test('has average and maximum of each hour, in percent', async () => {
    const { measurements } = await collect(
      monitoring({
        [`${cpu} ALIGN_MEAN`]: answer({ labels: { instance_id: '123' }, points: { '01': 0.25, '02': 0.5 } }),
        [`${cpu} ALIGN_MAX`]: answer({ labels: { instance_id: '123' }, points: { '01': 0.75, '02': 1 } }),
      }),
    )
    expect(measurements).toEqual([
      { resourceId: vm.id, hour: '2024-10-02T00:00:00.000Z', metric: 'cpu', average: 25, maximum: 75 },
      { resourceId: vm.id, hour: '2024-10-02T01:00:00.000Z', metric: 'cpu', average: 50, maximum: 100 },
    ])
  })

  test('adds what Google counts apart, and gives the sum of the hour twice', async () => {
    const { measurements } = await collect(
      monitoring({
        'compute.googleapis.com/instance/disk/read_ops_count': answer({
          labels: { instance_id: '123' },
          points: { '01': '40' },
        }),
        'compute.googleapis.com/instance/disk/write_ops_count': answer({
          labels: { instance_id: '123' },
          points: { '01': '2' },
        }),
      }),
    )
    expect(measurements).toMatchObject([{ metric: 'disk_operations', average: 42, maximum: 42 }])
  })

  test('tells resources of one name apart by region', async () => {
    const service = (region: string) =>
      resource('container_service', `//run.googleapis.com/projects/4/locations/${region}/services/web`, region)
    const { measurements } = await collect(
      monitoring({
        'run.googleapis.com/request_count': answer(
          { labels: { service_name: 'web', location: 'europe-west1' }, points: { '01': '1' } },
          { labels: { service_name: 'web', location: 'us-east1' }, points: { '01': '2' } },
          { labels: { service_name: 'gone', location: 'us-east1' }, points: { '01': '4' } },
        ),
      }),
      [service('europe-west1'), service('us-east1')],
    )
    expect(measurements.map(({ resourceId, average }) => [resourceId.split('/')[6], average])).toEqual([
      ['europe-west1', 1],
      ['us-east1', 2],
    ])
  })

  test.each([
    [
      'a database',
      resource('database', '//cloudsql.googleapis.com/projects/4/instances/db'),
      'cloudsql.googleapis.com/database/cpu/utilization',
      { database_id: `${projectId}:db` },
    ],
    [
      'a cache',
      resource('cache', '//redis.googleapis.com/projects/4/locations/europe-west1/instances/c'),
      'redis.googleapis.com/clients/connected',
      { instance_id: `projects/${projectId}/locations/europe-west1/instances/c`, region: 'europe-west1' },
    ],
    [
      'a NAT gateway',
      resource('nat_gateway', '//compute.googleapis.com/projects/4/regions/europe-west1/routers/9/nats/nat-1'),
      'router.googleapis.com/nat/sent_bytes_count',
      { gateway_name: 'nat-1', region: 'europe-west1' },
    ],
    [
      'a bucket',
      resource('bucket', '//storage.googleapis.com/projects/4/buckets/b'),
      'storage.googleapis.com/api/request_count',
      { bucket_name: 'b' },
    ],
  ])('finds %s by its labels', async (_, asked, type, labels) => {
    const { measurements } = await collect(monitoring({ [type]: answer({ labels, points: { '01': 0.5 } }) }), [asked])
    expect(measurements).toMatchObject([{ resourceId: asked.id }])
  })

  test('asks only about the kinds of resources that are there, in complete hours', async () => {
    const { google, calls } = await collect(monitoring({}), [vm], { now: '2024-10-02T05:59:59Z' })
    const asked = google.seen.filter(({ path }) => path.endsWith('timeSeries')).map(({ query }) => query)
    expect(asked.map((query) => query.get('filter')).join()).not.toMatch(/cloudsql|redis|storage/)
    for (const query of asked) {
      expect(query.get('interval.startTime')).toBe('2024-10-02T00:00:00.000Z')
      expect(query.get('interval.endTime')).toBe('2024-10-02T05:00:00.000Z')
      expect(query.get('aggregation.alignmentPeriod')).toBe('3600s')
    }
    expect(calls).toHaveLength(google.seen.length)
  })

  test('before its first hour has ended is empty, without a call', async () => {
    const { google, measurements } = await collect(monitoring({}), [vm], { now: '2024-10-02T00:59:00Z' })
    expect(measurements).toEqual([])
    expect(google.seen.filter(({ path }) => path.endsWith('timeSeries'))).toEqual([])
  })

  test('has all pages, and no hour of another day', async () => {
    const { measurements } = await collect((request) => {
      if (!request.path.endsWith('timeSeries')) return undefined
      if (!request.query.get('filter')?.includes('network/received')) return { body: {} }
      const page = Number(request.query.get('pageToken') ?? 0)
      const series = answer({ labels: { instance_id: '123' }, points: { [`0${page}`]: page } })
      return { body: { ...series, ...(page < 3 && { nextPageToken: String(page + 1) }) } }
    })
    expect(measurements.map(({ average }) => average)).toEqual([1, 2, 3])
  })
})

describe('a metric that cannot be read', () => {
  test('because no resource ever had it is no problem', async () => {
    const { problems } = await collect(({ path }) =>
      path.endsWith('timeSeries') ? denial(404, 'notFound') : undefined,
    )
    expect(problems).toEqual([])
  })

  test('is reported, and the others are read', async () => {
    const { problems, measurements } = await collect((request) => {
      if (!request.path.endsWith('timeSeries')) return undefined
      if (request.query.get('filter')?.includes('network/sent')) return denial(403, 'forbidden')
      const partial = request.query.get('filter')?.includes('disk/read_bytes')
      return {
        body: {
          ...answer({ labels: { instance_id: '123' }, points: { '01': 1 } }),
          ...(partial && { executionErrors: [{}] }),
        },
      }
    })
    expect(problems.map(({ state, part }) => `${state} ${part}`)).toEqual([
      'permission_missing monitoring:compute.googleapis.com/instance/network/sent_bytes_count',
      'unavailable monitoring:compute.googleapis.com/instance/disk/read_bytes_count',
    ])
    expect(new Set(measurements.map(({ metric }) => metric))).toEqual(
      new Set(['cpu', 'memory', 'network_in', 'disk_write', 'disk_operations']),
    )
  })
})
