import {
  Calendar,
  type Measurement,
  type ResourceKind,
  type UtilizationMetric,
  type UtilizationQuestion,
} from '@cloudoptima/core'
import { type Caller, type Page, Refusal } from './calls.ts'

/** One metric of Google's Monitoring: https://cloud.google.com/monitoring/api/metrics_gcp */
interface Series {
  kind: ResourceKind
  metric: UtilizationMetric
  /** Below the kind's service; several are added. */
  types: string[]
  /** The label with the last part of the resource's name. */
  label: string
  /** The label with the region, where names are unique in a region only. */
  place?: string
  /** A sum over the hour; else a level. */
  isSum?: true
  /** From a share to percent. */
  factor?: number
  filter?: string
}

const sum = { isSum: true } as const
const percent = { factor: 100 }
const instance = { kind: 'instance', label: 'instance_id' } as const
const onInstance = (...types: string[]) => types.map((type) => `compute.googleapis.com/instance/${type}`)
const database = { kind: 'database', label: 'database_id' } as const
const onDatabase = (...types: string[]) => types.map((type) => `cloudsql.googleapis.com/database/${type}`)
const cache = { kind: 'cache', label: 'instance_id', place: 'region' } as const

const table: readonly Series[] = [
  { ...instance, metric: 'cpu', types: onInstance('cpu/utilization'), ...percent },
  // Only with the Ops Agent.
  {
    ...instance,
    metric: 'memory',
    types: ['agent.googleapis.com/memory/percent_used'],
    filter: 'metric.labels.state="used"',
  },
  { ...instance, metric: 'network_in', types: onInstance('network/received_bytes_count'), ...sum },
  { ...instance, metric: 'network_out', types: onInstance('network/sent_bytes_count'), ...sum },
  { ...instance, metric: 'disk_read', types: onInstance('disk/read_bytes_count'), ...sum },
  { ...instance, metric: 'disk_write', types: onInstance('disk/write_bytes_count'), ...sum },
  { ...instance, metric: 'disk_operations', types: onInstance('disk/read_ops_count', 'disk/write_ops_count'), ...sum },
  { ...database, metric: 'cpu', types: onDatabase('cpu/utilization'), ...percent },
  { ...database, metric: 'memory', types: onDatabase('memory/utilization'), ...percent },
  { ...database, metric: 'disk', types: onDatabase('disk/utilization'), ...percent },
  { ...database, metric: 'disk_operations', types: onDatabase('disk/read_ops_count', 'disk/write_ops_count'), ...sum },
  { ...database, metric: 'connections', types: onDatabase('network/connections', 'postgresql/num_backends') },
  { ...cache, metric: 'memory', types: ['redis.googleapis.com/stats/memory/usage_ratio'], ...percent },
  { ...cache, metric: 'connections', types: ['redis.googleapis.com/clients/connected'] },
  {
    kind: 'load_balancer',
    metric: 'requests',
    types: ['loadbalancing.googleapis.com/https/request_count'],
    label: 'forwarding_rule_name',
    place: 'region',
    ...sum,
  },
  {
    kind: 'nat_gateway',
    metric: 'network_out',
    types: ['router.googleapis.com/nat/sent_bytes_count'],
    label: 'gateway_name',
    place: 'region',
    ...sum,
  },
  {
    kind: 'bucket',
    metric: 'requests',
    types: ['storage.googleapis.com/api/request_count'],
    label: 'bucket_name',
    ...sum,
  },
  {
    kind: 'function',
    metric: 'requests',
    types: ['cloudfunctions.googleapis.com/function/execution_count'],
    label: 'function_name',
    place: 'region',
    ...sum,
  },
  {
    kind: 'container_service',
    metric: 'requests',
    types: ['run.googleapis.com/request_count'],
    label: 'service_name',
    place: 'location',
    ...sum,
  },
]

interface Answer extends Page {
  timeSeries?: {
    resource?: { labels?: Record<string, string> }
    points?: { interval: { endTime: string }; value: { doubleValue?: number; int64Value?: string } }[]
  }[]
  executionErrors?: { message?: string }[]
}

const hourMs = 3_600_000

/** The values of the day's complete hours, a metric of a kind at a time. */
export async function* utilization(
  caller: Caller,
  { day, resources }: UtilizationQuestion,
): AsyncGenerator<Measurement[]> {
  const start = Date.parse(day)
  const now = caller.access.now().getTime()
  const end = Math.min(Date.parse(Calendar.addDays(day, 1)), now - (now % hourMs))
  if (end <= start) return
  const byKind = Map.groupBy(resources, ({ kind }) => kind)
  for (const series of table) {
    const asked = byKind.get(series.kind)
    if (!asked) continue
    const ids = idsOf(asked, series)
    const found = await caller.attempt(
      `monitoring:${series.types[0]}`,
      async () => await measured(caller, series, { start, end }),
    )
    const values = (found ?? []).flatMap(({ key, ...value }) =>
      (ids.get(key) ?? []).map((resourceId) => ({ resourceId, ...value })),
    )
    if (values.length > 0) yield values
  }
}

/** Resources by the last part of their id, and by region where that is needed. */
function idsOf(resources: UtilizationQuestion['resources'], { place }: Series): Map<string, string[]> {
  const byKey = Map.groupBy(resources, ({ id, region }) => keyOf(id, place && region))
  return new Map([...byKey].map(([key, same]) => [key, same.map(({ id }) => id)]))
}

/** Labels are a name, `project:name` or a path. */
const keyOf = (name: string, region = ''): string => `${region} ${name.split(/[:/]/).at(-1)}`

type Value = Omit<Measurement, 'resourceId'> & { key: string }
type Levels = Map<string, { key: string; hour: string; value: number }>

async function measured(caller: Caller, series: Series, hours: { start: number; end: number }): Promise<Value[]> {
  const { metric, isSum, factor = 1 } = series
  const read = async (aligner: string, reducer: string): Promise<Levels> => {
    const levels: Levels = new Map()
    for (const type of series.types) await addLevels(caller, levels, { series, type, aligner, reducer, ...hours })
    return levels
  }
  const averages = isSum ? await read('ALIGN_SUM', 'REDUCE_SUM') : await read('ALIGN_MEAN', 'REDUCE_MEAN')
  const maxima = isSum ? averages : await read('ALIGN_MAX', 'REDUCE_MAX')
  return [...averages].map(([at, { key, hour, value }]) => ({
    key,
    hour,
    metric,
    average: value * factor,
    maximum: (maxima.get(at)?.value ?? value) * factor,
  }))
}

/** https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list */
async function addLevels(
  caller: Caller,
  levels: Levels,
  asked: { series: Series; type: string; aligner: string; reducer: string; start: number; end: number },
): Promise<void> {
  const { series, type, aligner, reducer, start, end } = asked
  const { projectId } = caller.access.credentials
  const pages = caller.pages<Answer>({
    service: 'monitoring',
    api: 'monitoring.timeSeries.list',
    path: `/v3/projects/${projectId}/timeSeries`,
    query: {
      filter: [`metric.type="${type}"`, ...(series.filter ? [series.filter] : [])].join(' AND '),
      'interval.startTime': new Date(start).toISOString(),
      'interval.endTime': new Date(end).toISOString(),
      'aggregation.alignmentPeriod': '3600s',
      'aggregation.perSeriesAligner': aligner,
      'aggregation.crossSeriesReducer': reducer,
      'aggregation.groupByFields': [series.label, series.place ?? []]
        .flat()
        .map((label) => `resource.label."${label}"`),
      pageSize: '10000',
    },
    limits: [{ name: `gcp/monitoring/${projectId}`, most: 300, windowSeconds: 60 }],
    // https://cloud.google.com/stackdriver/pricing: 0.01 USD for 1,000 read calls.
    price: '0.00001',
  })
  try {
    for await (const { timeSeries = [], executionErrors = [] } of pages) {
      if (executionErrors.length > 0)
        throw new Refusal('partial', {
          state: 'unavailable',
          message: 'Google Cloud answered only a part of the values.',
        })
      for (const { resource, points = [] } of timeSeries) {
        const { labels = {} } = resource ?? {}
        const key = keyOf(labels[series.label] ?? '', series.place && labels[series.place])
        for (const { interval, value } of points)
          addPoint(levels, { key, end: Date.parse(interval.endTime), value, start })
      }
    }
  } catch (error) {
    // No resource of the project has ever written the metric.
    if (!(error instanceof Refusal && error.reason === 'notFound')) throw error
  }
}

function addPoint(
  levels: Levels,
  point: { key: string; end: number; value: { doubleValue?: number; int64Value?: string }; start: number },
): void {
  const begins = point.end - hourMs
  const value = point.value.doubleValue ?? Number(point.value.int64Value)
  if (begins < point.start || Number.isNaN(value)) return
  const hour = new Date(begins).toISOString()
  const at = `${point.key} ${hour}`
  levels.set(at, { key: point.key, hour, value: (levels.get(at)?.value ?? 0) + value })
}
