import { Calendar, type Measurement, type UtilizationMetric, type UtilizationQuestion } from '@cloudoptima/core'
import { merged } from '../../collect/concurrent.ts'
import { type MetricQuery, metricValues, type Series } from './metric-data.ts'
import {
  type ListedRow,
  listedRows,
  type Measured,
  memoryBytes,
  type MetricRow,
  metricRows,
  type Way,
} from './metrics.ts'
import type { Reader } from './reader.ts'

const mostRegions = 4

/** One statistic that becomes a part of a measurement. */
interface Asked {
  query: MetricQuery
  resourceId: string
  metric: UtilizationMetric
  /** Several disks of an instance: the fullest counts. Several sums: they are added. */
  combine: 'highest' | 'total'
  /** From the value of CloudWatch to ours. */
  read: (value: number) => number
  /** From this time on, an hour without a value is 0. */
  silentSince?: string | undefined
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
  const listed = await reader.attempt(part, async () => await listedQueries(reader, region, resources))
  const asked = [...resources.flatMap(queriesOf), ...(listed ?? [])]
  const span = { start: day, end: Calendar.addDays(day, 1), periodSeconds: 3600 }
  const ended = endedHours(day, reader.access.now())
  // All statistics of a measurement come from one request.
  const groups = [...Map.groupBy(asked, ({ resourceId, metric }) => `${resourceId} ${metric}`).values()]
  const series: AsyncIterator<Series<Asked>[]> = metricValues(reader, region, groups, span, part)
  while (true) {
    const batch = await reader.attempt(part, async () => await series.next())
    if (!batch || batch.done) return
    yield measurementsOf(batch.value.map((one) => ({ ...one, points: withSilence(one, ended) })))
  }
}

function endedHours(day: string, now: Date): string[] {
  const starts = Array.from({ length: 24 }, (_, hour) => new Date(`${day}T${String(hour).padStart(2, '0')}:00:00Z`))
  return starts.filter((start) => start.getTime() + 3_600_000 <= now.getTime()).map((start) => start.toISOString())
}

/** The points of a metric that AWS reports only above 0, with 0 for the other hours. */
function withSilence({ asked: { silentSince }, points }: Series<Asked>, ended: readonly string[]) {
  if (silentSince === undefined) return points
  const known = new Set(points.map(({ time }) => time))
  const silent = ended.filter((time) => time >= silentSince && !known.has(time))
  return [...points, ...silent.map((time) => ({ time, value: 0 }))]
}

function queriesOf(resource: Measured): Asked[] {
  return metricRows
    .filter(({ kind }) => kind === resource.kind)
    .flatMap((row) => {
      const dimensions = row.dimensions(resource)
      const read = readerOf(row, resource)
      if (!dimensions || !read) return []
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
      const silentSince = row.as === 'count' ? createdAt(resource) : undefined
      return statistics(row, resource.id, Dimensions, read).map((asked) => ({ ...asked, silentSince }))
    })
}

function createdAt({ configuration: { CreatedTime, CreationDateTime } }: Measured): string | undefined {
  return [CreatedTime, CreationDateTime].find((time) => typeof time === 'string')
}

/** Undefined if the memory of the resource, of which the free bytes are a part, is not known. */
function readerOf({ as }: MetricRow, resource: Measured): Asked['read'] | undefined {
  if (as !== 'free') return (value) => value
  const bytes = memoryBytes(resource)
  return bytes === undefined ? undefined : (free) => Math.max(0, 100 * (1 - free / bytes))
}

/** The least free memory of an hour is its highest use. */
const statisticsOf: Record<Way, readonly string[]> = {
  sum: ['Sum'],
  count: ['Sum'],
  level: ['Average', 'Maximum'],
  free: ['Average', 'Minimum'],
}

function statistics(
  { Namespace, MetricName, metric, as }: Omit<MetricRow, 'dimensions'>,
  resourceId: string,
  Dimensions: MetricQuery['Dimensions'],
  read: Asked['read'],
): Asked[] {
  return statisticsOf[as].map((Stat) => ({
    query: { Namespace, MetricName, Dimensions, Stat },
    resourceId,
    metric,
    combine: as === 'sum' || as === 'count' ? 'total' : 'highest',
    read,
  }))
}

/** Metrics of agents and extensions, for the resources that run them. */
async function listedQueries(reader: Reader, region: string, resources: readonly Measured[]): Promise<Asked[]> {
  const found: Asked[] = []
  for (const row of listedRows) found.push(...(await listedOf(reader, region, row, resources)))
  return found
}

async function listedOf(
  reader: Reader,
  region: string,
  row: ListedRow,
  resources: readonly Measured[],
): Promise<Asked[]> {
  const { kind, Namespace, MetricName, dimension, nameOf, isAlone = false, factor = 1 } = row
  const own = new Map(resources.filter((each) => each.kind === kind).map((each) => [nameOf(each), each.id]))
  own.delete(undefined)
  if (own.size === 0) return []
  const { CloudWatchClient, paginateListMetrics } = await import('@aws-sdk/client-cloudwatch')
  const client = reader.client('cloudwatch', CloudWatchClient, region)
  const pages = await Array.fromAsync(paginateListMetrics({ client }, { Namespace, MetricName }))
  return pages
    .flatMap(({ Metrics = [] }) => Metrics)
    .flatMap(({ MetricName: listed, Dimensions = [] }) => {
      const of = Object.fromEntries(Dimensions.map(({ Name = '', Value = '' }) => [Name, Value]))
      const resourceId = own.get(of[dimension])
      const isOther = listed !== MetricName || (isAlone && Dimensions.length > 1)
      if (resourceId === undefined || isOther || isPassing(of['fstype'])) return []
      return statistics(row, resourceId, Dimensions, (value) => value * factor)
    })
}

/** File systems that are no disk. */
const isPassing = (fstype = '') => /^(tmpfs|devtmpfs|overlay|squashfs)$/.test(fstype)

const fieldsOf: Record<string, readonly ('average' | 'maximum')[]> = {
  Sum: ['average', 'maximum'],
  Average: ['average'],
  Maximum: ['maximum'],
  Minimum: ['maximum'],
}

function measurementsOf(batch: readonly Series<Asked>[]): Measurement[] {
  const found = new Map<string, Measurement>()
  for (const { asked, points } of batch)
    for (const { time, value: given } of points) {
      const { resourceId, metric, combine, query } = asked
      const value = asked.read(given)
      const key = `${resourceId} ${metric} ${time}`
      const start = combine === 'total' ? 0 : -Infinity
      const measurement = found.get(key) ?? { resourceId, metric, hour: time, average: start, maximum: start }
      found.set(key, measurement)
      for (const field of fieldsOf[query.Stat] ?? [])
        measurement[field] = combine === 'total' ? measurement[field] + value : Math.max(measurement[field], value)
    }
  // An hour with one statistic only is unknown.
  return [...found.values()].filter(({ average, maximum }) => Number.isFinite(average) && Number.isFinite(maximum))
}
