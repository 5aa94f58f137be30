import { Random } from '@cloudoptima/sample'
import { isRunning, loadAt, unitsAt } from '../load.ts'
import type { Operation, Operations } from './operation.ts'
import type { AzureResource } from './resource.ts'

const hourMs = 3_600_000

/** In an hour: a mean with its range, or the sum of an amount. */
type Metric =
  | { mean: (resource: AzureResource, hour: Date) => number; least: number; most: number }
  | { sum: (resource: AzureResource, hour: Date) => number }

const level = (idle: number, full: number, most = 100): Metric => ({
  mean: (resource, hour) => idle + loadAt(resource, hour) * (full - idle),
  least: 0,
  most,
})
const filled: Metric = { mean: ({ key }) => 20 + 70 * Random.uniform(Random.mix(key, 71)), least: 0, most: 100 }
/** An amount that follows the load of machines. */
const busy = (most: number): Metric => ({ sum: (resource, hour) => Math.round(loadAt(resource, hour) * most) })
/** An amount for each unit of a bill that counts work, else one that follows the load. */
const billed = (each: number, most: number): Metric => ({
  sum: (resource, hour) =>
    Math.round(resource.pattern === 'traffic' ? unitsAt(resource, hour) * each : loadAt(resource, hour) * most),
})

const table: Record<string, Metric> = {
  'Percentage CPU': level(0.3, 100),
  'Available Memory Percentage': level(75, 5),
  'Network In Total': busy(4e9),
  'Network Out Total': busy(9e9),
  'Disk Read Bytes': busy(6e9),
  'Disk Write Bytes': busy(3e9),
  'Composite Disk Read Bytes/sec': level(0, 2e6, Infinity),
  'Composite Disk Write Bytes/sec': level(0, 1e6, Infinity),
  'Composite Disk Read Operations/sec': level(0, 110, Infinity),
  'Composite Disk Write Operations/sec': level(0, 60, Infinity),
  cpu_percent: level(0.3, 100),
  storage_percent: filled,
  sessions_count: level(0, 120, Infinity),
  connection_successful: busy(6000),
  connection_failed: busy(12),
  Transactions: billed(1e4, 5e4),
  Ingress: busy(2e9),
  Egress: busy(6e9),
  Requests: billed(3, 2e5),
  Http5xx: billed(0.01, 20),
  BytesReceived: busy(1e9),
  BytesSent: busy(4e9),
  CpuPercentage: level(0.3, 100),
  MemoryPercentage: level(25, 95),
  node_cpu_usage_percentage: level(1, 100),
  node_memory_working_set_percentage: level(25, 95),
  node_disk_usage_percentage: filled,
  TotalRequests: billed(900, 6e5),
  FailedRequests: busy(40),
}

/** Hours without a value come without one. */
function pointOf(resource: AzureResource, metric: Metric, time: Date, now: Date): object {
  const timeStamp = time.toISOString()
  // A paused database is not measured.
  const isPaused = resource.type === 'microsoft.sql/servers/databases' && resource.pattern === 'storage'
  if (isPaused || time.getTime() + hourMs > now.getTime() || !isRunning(resource, time)) return { timeStamp }
  if ('sum' in metric) return { timeStamp, total: metric.sum(resource, time), count: metric.sum(resource, time) }
  const average = metric.mean(resource, time)
  const swing = 0.2 + 0.6 * Random.uniform(resource.key)
  const [minimum, maximum] = [
    Math.max(metric.least, average * (1 - swing)),
    Math.min(metric.most, average * (1 + swing)),
  ]
  return { timeStamp, average, minimum, maximum }
}

/** With the first hour after the end, like Azure. */
const getBatch: Operation = ({ azure, named, request: { query, body }, all }) => {
  const { resourceids }: { resourceids: string[] } = JSON.parse(body)
  const names = query.get('metricnames')?.split(',') ?? []
  const [start, end] = ['starttime', 'endtime'].map((name) => Date.parse(query.get(name) ?? ''))
  const exist = new Map(all(query.get('metricnamespace') ?? '').map((each) => [each.id.toLowerCase(), each]))
  const values = resourceids.map((resourceid) => {
    const resource = exist.get(resourceid)
    if (!resource || resource.region !== named['region']) return { resourceid, value: [] }
    const value = names.map((name) => {
      const metric = table[name]
      if (!metric) throw new Error(`The metric ${name} is not simulated`)
      const hours = Array.from({ length: (Number(end) - Number(start)) / hourMs + 1 }, (_, hour) => hour)
      const data = hours.map((hour) => pointOf(resource, metric, new Date(Number(start) + hour * hourMs), azure.now()))
      return { name: { value: name }, timeseries: [{ data }] }
    })
    return { resourceid, value }
  })
  return { body: { values } }
}

/** Of Azure Monitor. */
export const metrics: Operations = {
  'Microsoft.Insights/metrics:getBatch': ['/metrics/{region}/subscriptions/{subscription}/metrics:getBatch', getBatch],
}
