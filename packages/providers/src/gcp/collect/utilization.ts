import {
  Calendar,
  type Measurement,
  type ResourceKind,
  type UtilizationMetric,
  type UtilizationQuestion,
} from '@cloudoptima/core'
import { type Caller, type Page, Refusal } from './calls.ts'

/** How the values of an hour, and those of a resource's parts, become an average and a maximum. */
const readings = {
  sum: [['ALIGN_SUM', 'REDUCE_SUM']],
  count: [
    ['ALIGN_MEAN', 'REDUCE_SUM'],
    ['ALIGN_MAX', 'REDUCE_SUM'],
  ],
  percent: [
    ['ALIGN_MEAN', 'REDUCE_MEAN'],
    ['ALIGN_MAX', 'REDUCE_MAX'],
  ],
} as const

/** One metric of Google's Monitoring: https://cloud.google.com/monitoring/api/metrics_gcp */
interface Series {
  reading: keyof typeof readings
  /** Several types are added. */
  types: string[]
  factor?: number
  filter?: string
}

interface Kind {
  /** The label with the last part of the resource's name. */
  label: string
  /** The label with the region, where names are unique in a region only. */
  place?: string
  series: Partial<Record<UtilizationMetric, Series>>
}

const sum = (...types: string[]): Series => ({ reading: 'sum', types })
const count = (...types: string[]): Series => ({ reading: 'count', types })
const share = (type: string): Series => ({ reading: 'percent', types: [type], factor: 100 })
const vm = 'compute.googleapis.com/instance'
const sql = 'cloudsql.googleapis.com/database'

const kinds: Partial<Record<ResourceKind, Kind>> = {
  instance: {
    label: 'instance_id',
    series: {
      cpu: share(`${vm}/cpu/utilization`),
      // Only with the Ops Agent.
      memory: {
        reading: 'percent',
        types: ['agent.googleapis.com/memory/percent_used'],
        filter: 'metric.labels.state="used"',
      },
      network_in: sum(`${vm}/network/received_bytes_count`),
      network_out: sum(`${vm}/network/sent_bytes_count`),
      disk_read: sum(`${vm}/disk/read_bytes_count`),
      disk_write: sum(`${vm}/disk/write_bytes_count`),
      disk_operations: sum(`${vm}/disk/read_ops_count`, `${vm}/disk/write_ops_count`),
    },
  },
  database: {
    label: 'database_id',
    series: {
      cpu: share(`${sql}/cpu/utilization`),
      memory: share(`${sql}/memory/utilization`),
      disk: share(`${sql}/disk/utilization`),
      disk_operations: sum(`${sql}/disk/read_ops_count`, `${sql}/disk/write_ops_count`),
      connections: count(`${sql}/network/connections`, `${sql}/postgresql/num_backends`),
    },
  },
  cache: {
    label: 'instance_id',
    place: 'region',
    series: {
      memory: share('redis.googleapis.com/stats/memory/usage_ratio'),
      connections: count('redis.googleapis.com/clients/connected'),
    },
  },
  load_balancer: {
    label: 'forwarding_rule_name',
    place: 'region',
    series: { requests: sum('loadbalancing.googleapis.com/https/request_count') },
  },
  nat_gateway: {
    label: 'gateway_name',
    place: 'region',
    series: { network_out: sum('router.googleapis.com/nat/sent_bytes_count') },
  },
  bucket: { label: 'bucket_name', series: { requests: sum('storage.googleapis.com/api/request_count') } },
  function: {
    label: 'function_name',
    place: 'region',
    series: { requests: sum('cloudfunctions.googleapis.com/function/execution_count') },
  },
  container_service: {
    label: 'service_name',
    place: 'location',
    series: { requests: sum('run.googleapis.com/request_count') },
  },
}

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
  for (const [name, asked] of byKind) {
    const kind = kinds[name]
    const ids = Map.groupBy(asked, ({ id, region }) => keyOf(id, kind?.place && region))
    for (const [metric, series] of Object.entries(kind?.series ?? {})) {
      const found = await caller.attempt(
        `monitoring:${series.types[0]}`,
        async () => await measured(caller, { ...kind, ...series, start, end }),
      )
      const values = [...(found ?? [])].flatMap(([key, value]) =>
        (ids.get(key) ?? []).flatMap(({ id }) => value.map((of) => ({ resourceId: id, metric, ...of }))),
      )
      if (values.length > 0) yield values as Measurement[]
    }
  }
}

/** Labels are a name, `project:name` or a path. */
const keyOf = (name: string, region = ''): string => `${region} ${name.split(/[:/]/).at(-1)}`

interface Asked extends Series {
  label?: string
  place?: string
  start: number
  end: number
}

/** By resource and hour. */
type Values = Map<string, Map<number, number>>

async function measured(
  caller: Caller,
  asked: Asked,
): Promise<Map<string, Omit<Measurement, 'resourceId' | 'metric'>[]>> {
  const { reading, factor = 1 } = asked
  const read: Values[] = []
  for (const aggregation of readings[reading]) {
    const values: Values = new Map()
    for (const type of asked.types) await addValues(caller, values, { ...asked, type, aggregation })
    read.push(values)
  }
  const [averages = new Map(), maxima = averages] = read
  return new Map(
    [...averages].map(([key, hours]) => [
      key,
      [...hours].map(([hour, average]) => ({
        hour: new Date(hour).toISOString(),
        average: average * factor,
        maximum: (maxima.get(key)?.get(hour) ?? average) * factor,
      })),
    ]),
  )
}

/** https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list */
async function addValues(
  caller: Caller,
  values: Values,
  {
    label = '',
    place,
    filter,
    type,
    aggregation,
    start,
    end,
  }: Asked & { type: string; aggregation: readonly [string, string] },
): Promise<void> {
  const { projectId } = caller.access.credentials
  const pages = caller.pages<Answer>({
    service: 'monitoring',
    api: 'monitoring.timeSeries.list',
    path: `/v3/projects/${projectId}/timeSeries`,
    query: {
      filter: `metric.type="${type}"${filter === undefined ? '' : ` AND ${filter}`}`,
      'interval.startTime': new Date(start).toISOString(),
      'interval.endTime': new Date(end).toISOString(),
      'aggregation.alignmentPeriod': '3600s',
      'aggregation.perSeriesAligner': aggregation[0],
      'aggregation.crossSeriesReducer': aggregation[1],
      'aggregation.groupByFields': [label, place ?? []].flat().map((name) => `resource.label."${name}"`),
      pageSize: '10000',
    },
    limits: [{ name: `gcp/monitoring/${projectId}`, most: 300, windowSeconds: 60 }],
    // https://cloud.google.com/stackdriver/pricing: 0.01 USD for 1,000 read calls.
    price: '0.00001',
  })
  try {
    for await (const { timeSeries = [], executionErrors = [] } of pages) {
      const message = 'Google Cloud answered only a part of the values.'
      if (executionErrors.length > 0) throw new Refusal('partial', { state: 'unavailable', message })
      for (const { resource, points = [] } of timeSeries) {
        const { labels = {} } = resource ?? {}
        const key = keyOf(labels[label] ?? '', place && labels[place])
        const hours = values.get(key) ?? new Map<number, number>()
        values.set(key, hours)
        for (const { interval, value } of points) {
          const hour = Date.parse(interval.endTime) - hourMs
          if (hour >= start) hours.set(hour, (hours.get(hour) ?? 0) + Number(value.doubleValue ?? value.int64Value))
        }
      }
    }
  } catch (error) {
    // No resource of the project has ever written the metric.
    if (!(error instanceof Refusal && error.reason === 'notFound')) throw error
  }
}
