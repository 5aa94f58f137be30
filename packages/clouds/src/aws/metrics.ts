import { Rules } from '@cloudoptima/core'
import { Random } from '@cloudoptima/sample'
import { dayOf, exists, isRunning, loadAt, unitsAt } from '../load.ts'
import { instanceOf } from './instances.ts'
import { type Aws, list, type Operation, type Question } from './operation.ts'
import type { AwsResource } from './resource.ts'

/** The mean of a percentage, or the sum of an amount, in an hour. */
type Metric = [unit: 'percent' | 'amount', value: (resource: AwsResource, hour: Date) => number]

/** An amount that follows the load of machines. */
const busy = (most: number): Metric => ['amount', (resource, hour) => Math.round(loadAt(resource, hour) * most)]
/** An amount for each unit of the bill. */
const billed = (each: number): Metric => ['amount', (resource, hour) => Math.round(unitsAt(resource, hour) * each)]
const level = (least: number, most: number): Metric => [
  'percent',
  (resource, hour) => least + loadAt(resource, hour) * (most - least),
]

const table: Record<string, Metric> = {
  CPUUtilization: level(0.3, 100),
  NetworkIn: busy(4e9),
  NetworkOut: busy(9e9),
  mem_used_percent: level(25, 95),
  disk_used_percent: ['percent', ({ key }) => 20 + 70 * Random.uniform(Random.mix(key, 71))],
  VolumeReadBytes: busy(6e9),
  VolumeWriteBytes: busy(3e9),
  VolumeReadOps: busy(4e5),
  VolumeWriteOps: busy(2e5),
  DatabaseConnections: busy(120),
  FreeableMemory: [
    'amount',
    (resource, hour) =>
      Math.round((Rules.typeOf('aws', resource.class)?.memoryGb ?? 0) * 2 ** 30 * (0.7 - loadAt(resource, hour) / 2)),
  ],
  DatabaseMemoryUsagePercentage: level(20, 95),
  CurrConnections: busy(400),
  RequestCount: busy(600_000),
  ActiveConnectionCount: busy(20_000),
  HTTPCode_ELB_5XX_Count: busy(40),
  BytesInFromDestination: billed(4e8),
  BytesOutToDestination: billed(6e8),
  Invocations: billed(4),
  Errors: billed(0.01),
  Duration: billed(800),
  cpu_total_time: billed(120),
  used_memory_max: ['amount', (resource, hour) => 60 + Math.round(loadAt(resource, hour) * (resource.key % 60))],
  ConsumedReadCapacityUnits: billed(3),
  ConsumedWriteCapacityUnits: billed(1),
  BucketSizeBytes: ['amount', (resource, hour) => Math.round(storedGb(resource, hour) * 2 ** 30)],
}

/** A bucket whose bill counts requests is small. */
function storedGb({ pattern, key, unitsOn }: AwsResource, time: Date): number {
  return pattern === 'storage' ? unitsOn(dayOf(time)) * 30 : 20 + (key % 200)
}

const statistics: Record<string, (value: number, unit: Metric[0], key: number) => number> = {
  Sum: (value) => value,
  Average: (value) => value,
  Minimum: (value) => value * 0.9,
  Maximum: (value, unit, key) =>
    Math.min(unit === 'percent' ? 100 : Infinity, value * (1.2 + 0.6 * Random.uniform(key))),
}

interface Query {
  Id: string
  MetricStat: {
    Metric: { MetricName: string; Dimensions?: { Name: string; Value: string }[] }
    Period: number
    Stat: string
  }
}

/** The newest first, like AWS; no value of an hour in which the resource did not run. */
function resultOf({ aws, account, region, input }: Question, { Id, MetricStat }: Query): object {
  const { Metric, Period, Stat } = MetricStat
  const names = new Set(Metric.Dimensions?.map(({ Value }) => Value))
  const resource = aws.resources.find(
    (each) => each.account === account && each.region === region && names.has(each.id),
  )
  const [unit, value] = table[Metric.MetricName] ?? []
  const statistic = statistics[Stat]
  const points: [Date, number][] = []
  const end = Math.min(Number(input['EndTime']), aws.now().getTime() / 1000)
  if (resource && unit && value && statistic)
    for (let seconds = Number(input['StartTime']); seconds + Period <= end; seconds += Period) {
      const time = new Date(seconds * 1000)
      if (isMeasured(resource, time, aws)) points.unshift([time, statistic(value(resource, time), unit, resource.key)])
    }
  const [Timestamps, Values] = [points.map(([time]) => time), points.map(([, amount]) => amount)]
  return { Id, Label: Metric.MetricName, StatusCode: 'Complete', Timestamps, Values }
}

/** A volume is measured while its instance runs; storage of a stopped database never is. */
function isMeasured(resource: AwsResource, time: Date, aws: Aws): boolean {
  const machine = resource.type === 'ec2:volume' ? instanceOf(resource, aws, time) : resource
  const isStopped = resource.type === 'rds:db' && resource.pattern === 'storage'
  const isOff = machine?.power?.isOn === false && time.getTime() >= machine.power.since
  return machine !== undefined && !isStopped && !isOff && isRunning(machine, time) && exists(resource, time)
}

/** Of the instances and functions. */
const agentShare = 0.6

/** The metrics of CloudWatch's agent and of Lambda Insights, which some instances and functions run, and the sizes of buckets. */
const listed: Record<string, (question: Question) => [MetricName: string, dimensions: Record<string, string>][]> = {
  CWAgent: ({ all }) =>
    all('ec2:instance')
      .filter(({ key }) => Random.uniform(Random.mix(key, 72)) < agentShare)
      .flatMap(({ id }) => [
        ['mem_used_percent', { InstanceId: id }],
        ['disk_used_percent', { InstanceId: id, path: '/', device: 'nvme0n1p1', fstype: 'xfs' }],
      ]),
  LambdaInsights: ({ all }) =>
    all('lambda:function')
      .filter(({ key }) => Random.uniform(Random.mix(key, 72)) < agentShare)
      .flatMap(({ id }) => [
        ['used_memory_max', { function_name: id }],
        ['cpu_total_time', { function_name: id }],
      ]),
  'AWS/S3': ({ all }) =>
    all('s3').map(({ id }) => ['BucketSizeBytes', { BucketName: id, StorageType: 'StandardStorage' }]),
}

/** Of CloudWatch. */
export const metrics: Record<string, Operation> = {
  'cloudwatch:GetMetricData': list(
    'MetricDataResults',
    ['NextToken', 'NextToken'],
    (question) => (question.input['MetricDataQueries'] as Query[]).map((query) => resultOf(question, query)),
    200,
  ),
  'cloudwatch:ListMetrics': list('Metrics', ['NextToken', 'NextToken'], (question) => {
    const { Namespace } = question.input as { Namespace: string }
    return (listed[Namespace]?.(question) ?? []).map(([MetricName, dimensions]) => ({
      Namespace,
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    }))
  }),
}
