import { Calendar, type Measurement, type UtilizationMetric, type UtilizationQuestion } from '@cloudoptima/core'
import { merged } from '../../collect/concurrent.ts'
import { type MetricQuery, metricValues, type Series } from './metric-data.ts'
import { agentMetrics, type Measured, type MetricRow, metricRows } from './metrics.ts'
import type { Reader } from './reader.ts'

const mostRegions = 4

/** One statistic that becomes a part of a measurement. */
interface Asked {
  query: MetricQuery
  resourceId: string
  metric: UtilizationMetric
  /** Several disks of an instance: the fullest counts. Several sums: they are added. */
  combine: 'highest' | 'total'
}

/** The hours of a day, region by region. */
export async function* utilization(
  reader: Reader,
  { day, resources }: UtilizationQuestion,
): AsyncGenerator<Measurement[]> {
  const regions = Map.groupBy(resources, ({ region }) => region)
  yield* merged(
    [...regions].map(([region, measured]) => measuredIn(reader, day, region, measured)),
    mostRegions,
  )
}

async function* measuredIn(
  reader: Reader,
  day: string,
  region: string,
  resources: readonly Measured[],
): AsyncGenerator<Measurement[]> {
  const part = `cloudwatch:metrics/${region}`
  const agents = await reader.attempt(part, async () => await agentQueries(reader, region, resources))
  const asked = [...resources.flatMap(queriesOf), ...(agents ?? [])]
  const span = { start: day, end: Calendar.addDays(day, 1), periodSeconds: 3600 }
  // All statistics of a measurement come from one request.
  const groups = [...Map.groupBy(asked, ({ resourceId, metric }) => `${resourceId} ${metric}`).values()]
  const series: AsyncIterator<Series<Asked>[]> = metricValues(reader, region, groups, span, part)
  while (true) {
    const batch = await reader.attempt(part, async () => await series.next())
    if (!batch || batch.done) return
    yield measurementsOf(batch.value)
  }
}

function queriesOf(resource: Measured): Asked[] {
  return metricRows
    .filter(({ kind }) => kind === resource.kind)
    .flatMap((row) => {
      const dimensions = row.dimensions(resource)
      return dimensions ? statistics(row, resource.id, dimensions) : []
    })
}

function statistics(row: MetricRow, resourceId: string, dimensions: Record<string, string>): Asked[] {
  const { Namespace, MetricName, metric, as } = row
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
  const stats = as === 'sum' ? ['Sum'] : ['Average', 'Maximum']
  return stats.map((Stat) => ({
    query: { Namespace, MetricName, Dimensions, Stat },
    resourceId,
    metric,
    combine: as === 'sum' ? 'total' : 'highest',
  }))
}

/** Memory and disks of the instances that run CloudWatch's agent. */
async function agentQueries(reader: Reader, region: string, resources: readonly Measured[]): Promise<Asked[]> {
  const instances = new Set(resources.filter(({ kind }) => kind === 'instance').map(({ id }) => id))
  if (instances.size === 0) return []
  const { CloudWatchClient, paginateListMetrics } = await import('@aws-sdk/client-cloudwatch')
  const client = reader.client('cloudwatch', CloudWatchClient, region)
  const Namespace = 'CWAgent'
  const pages = await Array.fromAsync(paginateListMetrics({ client }, { Namespace }))
  return pages
    .flatMap(({ Metrics = [] }) => Metrics)
    .flatMap(({ MetricName = '', Dimensions = [] }) => {
      const of = Object.fromEntries(Dimensions.map(({ Name = '', Value = '' }) => [Name, Value]))
      const { InstanceId: resourceId = '', fstype = '' } = of
      const metric = agentMetrics[MetricName]
      const isOurs = metric && instances.has(resourceId) && !/^(tmpfs|devtmpfs|overlay|squashfs)$/.test(fstype)
      return isOurs
        ? ['Average', 'Maximum'].map((Stat): Asked => ({
            query: { Namespace, MetricName, Dimensions, Stat },
            resourceId,
            metric,
            combine: 'highest',
          }))
        : []
    })
}

function measurementsOf(batch: readonly Series<Asked>[]): Measurement[] {
  const found = new Map<string, Measurement>()
  for (const { asked, points } of batch)
    for (const { time, value } of points) {
      const { resourceId, metric, combine, query } = asked
      const key = `${resourceId} ${metric} ${time}`
      const start = combine === 'total' ? 0 : -Infinity
      const measurement = found.get(key) ?? { resourceId, metric, hour: time, average: start, maximum: start }
      found.set(key, measurement)
      const fields: ('average' | 'maximum')[] =
        query.Stat === 'Sum' ? ['average', 'maximum'] : [query.Stat === 'Average' ? 'average' : 'maximum']
      for (const field of fields)
        measurement[field] = combine === 'total' ? measurement[field] + value : Math.max(measurement[field], value)
    }
  // An hour with one statistic only is unknown.
  return [...found.values()].filter(({ average, maximum }) => Number.isFinite(average) && Number.isFinite(maximum))
}
