import { Calendar, type Measurement, type UtilizationMetric, type UtilizationQuestion } from '@cloudoptima/core'
import { metricsHost, metricsScope } from '../hosts.ts'
import { json } from './answers.ts'
import type { Calls } from './calls.ts'
import { eachPart } from './parts.ts'

type Hour = Partial<Record<'average' | 'minimum' | 'maximum' | 'total' | 'count', number>>
/** `rest` is what is missing to 100 percent. `rate` is a second's, and becomes the hour's. */
type Way = 'sum' | 'count' | 'average' | 'rest' | 'rate'
type Metrics = Record<string, { metric: UtilizationMetric; way: Way }>

const inWay = (way: Way) => (names: Record<string, UtilizationMetric>) =>
  Object.fromEntries(Object.entries(names).map(([name, metric]) => [name, { metric, way }]))
const [sum, count, average, rest] = [inWay('sum'), inWay('count'), inWay('average'), inWay('rest')]
const rate = inWay('rate')

const bytes = sum({ BytesReceived: 'network_in', BytesSent: 'network_out' })
const flexibleServer: Metrics = {
  ...average({
    cpu_percent: 'cpu',
    memory_percent: 'memory',
    storage_percent: 'disk',
    active_connections: 'connections',
  }),
  ...sum({ network_bytes_ingress: 'network_in', network_bytes_egress: 'network_out' }),
}
const sqlPool = average({ cpu_percent: 'cpu', storage_percent: 'disk', sessions_count: 'connections' })

/** By type in lower case: https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index */
const metricsOf: Record<string, Metrics> = {
  'microsoft.compute/virtualmachines': {
    ...average({ 'Percentage CPU': 'cpu' }),
    ...rest({ 'Available Memory Percentage': 'memory' }),
    ...sum({ 'Network In Total': 'network_in', 'Network Out Total': 'network_out' }),
    ...sum({ 'Disk Read Bytes': 'disk_read', 'Disk Write Bytes': 'disk_write' }),
  },
  'microsoft.compute/disks': rate({
    'Composite Disk Read Bytes/sec': 'disk_read',
    'Composite Disk Write Bytes/sec': 'disk_write',
    'Composite Disk Read Operations/sec': 'disk_operations',
    'Composite Disk Write Operations/sec': 'disk_operations',
  }),
  'microsoft.sql/servers/databases': {
    ...sqlPool,
    ...sum({ connection_successful: 'requests', connection_failed: 'errors' }),
  },
  'microsoft.sql/servers/elasticpools': sqlPool,
  'microsoft.dbforpostgresql/flexibleservers': flexibleServer,
  'microsoft.dbformysql/flexibleservers': flexibleServer,
  'microsoft.storage/storageaccounts': sum({ Transactions: 'requests', Ingress: 'network_in', Egress: 'network_out' }),
  'microsoft.web/sites': { ...sum({ Requests: 'requests', Http5xx: 'errors' }), ...bytes },
  'microsoft.web/serverfarms': { ...average({ CpuPercentage: 'cpu', MemoryPercentage: 'memory' }), ...bytes },
  'microsoft.app/containerapps': sum({ Requests: 'requests', RxBytes: 'network_in', TxBytes: 'network_out' }),
  'microsoft.containerservice/managedclusters': average({
    node_cpu_usage_percentage: 'cpu',
    node_memory_working_set_percentage: 'memory',
    node_disk_usage_percentage: 'disk',
  }),
  'microsoft.cache/redis': {
    ...average({ percentProcessorTime: 'cpu', usedmemorypercentage: 'memory', connectedclients: 'connections' }),
    ...sum({ totalcommandsprocessed: 'requests' }),
  },
  'microsoft.documentdb/databaseaccounts': count({ TotalRequests: 'requests' }),
  'microsoft.network/applicationgateways': {
    ...sum({ TotalRequests: 'requests', FailedRequests: 'errors' }),
    ...bytes,
  },
  'microsoft.network/loadbalancers': sum({ ByteCount: 'network_in' }),
  'microsoft.network/natgateways': sum({ ByteCount: 'network_out' }),
}

/** The most that the batch API takes. */
const batchSize = 50

/** The hours of a day, in batches of one type and region. */
export async function* utilization(calls: Calls, asked: UtilizationQuestion): AsyncGenerator<Measurement[]> {
  const measured = asked.resources.filter(({ id }) => metricsOf[typeOf(id)])
  const remedy = 'Assign the application the role Monitoring Reader on the subscription.'
  const batches = [...Map.groupBy(measured, ({ id, region }) => `${typeOf(id)}/${region}`)].flatMap(
    ([group, members]) =>
      Array.from({ length: Math.ceil(members.length / batchSize) }, (_, i) => ({
        part: `metrics/${group}`,
        remedy,
        read: () => batch(calls, asked.day, members.slice(i * batchSize, (i + 1) * batchSize)),
      })),
  )
  for await (const { found } of eachPart(calls, batches)) yield found
}

/** `microsoft.sql/servers/databases` of `/subscriptions/.../providers/microsoft.sql/servers/a/databases/b`. */
function typeOf(id: string): string {
  const [provider, ...path] = id.toLowerCase().split('/providers/').at(-1)?.split('/') ?? []
  return [provider, ...path.filter((_, i) => i % 2 === 0)].join('/')
}

interface Batch {
  values?: {
    resourceid: string
    value?: { name: { value: string }; timeseries?: { data?: ({ timeStamp: string } & Hour)[] }[] }[]
  }[]
}

/** https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch */
async function batch(calls: Calls, day: string, members: UtilizationQuestion['resources']): Promise<Measurement[]> {
  const { id = '', region = '' } = members[0] ?? {}
  const metrics = metricsOf[typeOf(id)] ?? {}
  const search = new URLSearchParams({
    starttime: `${day}T00:00:00Z`,
    endtime: `${Calendar.addDays(day, 1)}T00:00:00Z`,
    interval: 'PT1H',
    metricnamespace: typeOf(id),
    metricnames: Object.keys(metrics).join(','),
    aggregation: 'average,minimum,maximum,total,count',
    'api-version': '2024-02-01',
  }).toString()
  const { values = [] } = await json<Batch>(calls, {
    api: 'Microsoft.Insights/metrics:getBatch',
    url: `${metricsHost(region)}/subscriptions/${calls.access.credentials.subscriptionId}/metrics:getBatch?${search}`,
    scope: metricsScope,
    body: JSON.stringify({ resourceids: members.map((member) => member.id) }),
  })
  const read = values.flatMap(({ resourceid, value = [] }) =>
    value.flatMap(({ name, timeseries = [] }) => {
      const known = metrics[name.value]
      if (!known) return []
      return timeseries.flatMap(({ data = [] }) =>
        data.flatMap(({ timeStamp, ...hour }): Measurement[] => {
          const reading = readings[known.way](hour)
          // Hours without a value come too, and the first hour of the next day.
          if (!reading || !timeStamp.startsWith(day)) return []
          const at = new Date(timeStamp).toISOString()
          return [{ resourceId: resourceid.toLowerCase(), hour: at, metric: known.metric, ...reading }]
        }),
      )
    }),
  )
  return added(read, metrics)
}

/** Adds up the metrics of Azure that are one of ours. An hour that lacks one of them is unknown. */
function added(read: readonly Measurement[], metrics: Metrics): Measurement[] {
  const wanted = Map.groupBy(Object.values(metrics), ({ metric }) => metric)
  const byHour = Map.groupBy(read, ({ resourceId, metric, hour }) => `${resourceId} ${metric} ${hour}`)
  return [...byHour.values()].flatMap((parts) => {
    const [first] = parts
    if (!first || parts.length !== wanted.get(first.metric)?.length) return []
    const total = (field: 'average' | 'maximum') => parts.reduce((sum, part) => sum + part[field], 0)
    return [{ ...first, average: total('average'), maximum: total('maximum') }]
  })
}

type Reading = Pick<Measurement, 'average' | 'maximum'>
const of = (average?: number, maximum = average): Reading | undefined =>
  average === undefined || maximum === undefined ? undefined : { average, maximum }

const readings: Record<Way, (hour: Hour) => Reading | undefined> = {
  sum: ({ total }) => of(total),
  count: ({ count }) => of(count),
  average: ({ average, maximum }) => of(average, maximum),
  rate: ({ average, maximum = average }) =>
    average === undefined || maximum === undefined ? undefined : of(average * 3600, maximum * 3600),
  rest: ({ average, minimum = average }) =>
    average === undefined || minimum === undefined ? undefined : of(100 - average, 100 - minimum),
}
