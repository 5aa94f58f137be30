import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import { isRunning, loadAt, unitsAt } from '../load.ts'
import { list, type Operations, type Question } from './operation.ts'
import type { GcpResource } from './resource.ts'

const hourMs = 3_600_000
const agentShare = 0.6

/** The resources that write a metric, the most that it can be, and its mean or sum in an hour. */
type Metric = [type: string, most: number, value: (resource: GcpResource, hour: Date) => number | undefined]

const busy = (type: string, most: number): Metric => [
  type,
  Infinity,
  (each, hour) => Math.round(loadAt(each, hour) * most),
]
/** An amount for each unit of the bill. */
const billed = (type: string, amount: number): Metric => [
  type,
  Infinity,
  (each, hour) => Math.round(unitsAt(each, hour) * amount),
]
const level = (type: string, least: number, most: number): Metric => [
  type,
  most,
  (each, hour) => least + loadAt(each, hour) * (most - least),
]

const vm = 'compute.googleapis.com/instance'
const sql = 'cloudsql.googleapis.com/database'
const instances = 'compute/instances'
const databases = 'cloudsql/instances'
const [, , memory] = level(instances, 25, 95)

/** Of the company's products; other metrics have never been written. */
const table: Record<string, Metric> = {
  [`${vm}/cpu/utilization`]: level(instances, 0.003, 1),
  'agent.googleapis.com/memory/percent_used': [
    instances,
    100,
    (each, hour) => (Random.uniform(Random.mix(each.key, 72)) < agentShare ? memory(each, hour) : undefined),
  ],
  [`${vm}/network/received_bytes_count`]: busy(instances, 4e9),
  [`${vm}/network/sent_bytes_count`]: busy(instances, 9e9),
  [`${vm}/disk/read_bytes_count`]: busy(instances, 6e9),
  [`${vm}/disk/write_bytes_count`]: busy(instances, 3e9),
  [`${vm}/disk/read_ops_count`]: busy(instances, 4e5),
  [`${vm}/disk/write_ops_count`]: busy(instances, 2e5),
  [`${sql}/cpu/utilization`]: level(databases, 0.003, 1),
  [`${sql}/memory/utilization`]: level(databases, 0.2, 0.95),
  [`${sql}/disk/utilization`]: [databases, 1, ({ key }) => 0.2 + 0.7 * Random.uniform(Random.mix(key, 71))],
  [`${sql}/disk/read_ops_count`]: busy(databases, 4e5),
  [`${sql}/disk/write_ops_count`]: busy(databases, 2e5),
  [`${sql}/postgresql/num_backends`]: busy(databases, 120),
  'router.googleapis.com/nat/sent_bytes_count': billed('compute/nats', 1e9),
  'storage.googleapis.com/api/request_count': billed('storage/buckets', 40),
  'run.googleapis.com/request_count': billed('run/services', 5),
}

/** The labels of the resources of a type. */
const labels: Record<string, (resource: GcpResource) => Record<string, string>> = {
  [instances]: ({ number, zone }) => ({ instance_id: number, zone }),
  [databases]: ({ project, name, region }) => ({ database_id: `${project}:${name}`, region }),
  'compute/nats': ({ name, region }) => ({ gateway_name: name, region }),
  'storage/buckets': ({ name, region }) => ({ bucket_name: name, location: region }),
  'run/services': ({ name, region }) => ({ service_name: name, location: region }),
}

/** The newest first, like Google; no point of an hour in which the resource did not run. */
function pointsOf(resource: GcpResource, [, most, value]: Metric, { query, now }: Question): object[] {
  const peak = query.get('aggregation.perSeriesAligner') === 'ALIGN_MAX'
  const points: object[] = []
  const last = Math.min(Date.parse(query.get('interval.endTime') ?? ''), now.getTime()) - hourMs
  for (let time = Date.parse(query.get('interval.startTime') ?? ''); time <= last; time += hourMs) {
    const hour = new Date(time)
    const isOff = resource.offSince !== undefined && hour >= resource.offSince
    const mean = isRunning(resource, hour) && !isOff ? value(resource, hour) : undefined
    if (mean === undefined) continue
    const doubleValue = peak ? Math.min(most, mean * (1.2 + 0.6 * Random.uniform(resource.key))) : mean
    points.unshift({ interval: { startTime: hour, endTime: new Date(time + hourMs) }, value: { doubleValue } })
  }
  return points
}

/** Of Monitoring. */
export const metrics: Operations = {
  'monitoring.timeSeries.list': [
    '/v3/projects/{project}/timeSeries',
    list('timeSeries', (question) => {
      const type = /metric\.type="([^"]+)"/.exec(question.query.get('filter') ?? '')?.[1] ?? ''
      const metric = table[type]
      if (!metric) throw new Refusal('notFound', 404)
      return question.all(metric[0]).map((resource) => ({
        metric: { type },
        resource: { labels: { project_id: resource.project, ...labels[metric[0]]?.(resource) } },
        points: pointsOf(resource, metric, question),
      }))
    }),
  ],
}
