import type { Dimension, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import type { Reader } from './reader.ts'

/** A statistic of one metric of one resource. */
export interface MetricQuery {
  Namespace: string
  MetricName: string
  Dimensions: Dimension[]
  Stat: string
}

interface Span {
  /** Days; `end` is exclusive. */
  start: string
  end: string
  periodSeconds: number
}

export interface Series<Asked> {
  asked: Asked
  points: { time: string; value: number }[]
}

/** AWS's limit of one request. */
const batchSize = 500

/** The values of each batch of groups. A group that CloudWatch fails to compute twice is reported and left out. */
export async function* metricValues<Asked extends { query: MetricQuery }>(
  reader: Reader,
  region: string,
  groups: readonly Asked[][],
  span: Span,
  part: string,
): AsyncGenerator<Series<Asked>[]> {
  for (const batch of batchesOf(groups)) {
    const first = await answersTo(reader, region, batch, span)
    const again = first.filter(({ isComplete }) => !isComplete).map(({ series }) => series.map(({ asked }) => asked))
    const second = again.length === 0 ? [] : await answersTo(reader, region, again, span)
    if (second.some(({ isComplete }) => !isComplete))
      reader.report({ state: 'unavailable', part, message: 'CloudWatch did not compute all metrics. It may later.' })
    yield [...first, ...second].filter(({ isComplete }) => isComplete).flatMap(({ series }) => series)
  }
}

/** As many whole groups as one request may ask. */
function* batchesOf<Asked>(groups: readonly Asked[][]): Generator<Asked[][]> {
  let batch: Asked[][] = []
  let size = 0
  for (const group of groups) {
    if (size + group.length > batchSize) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(group)
    size += group.length
  }
  if (size > 0) yield batch
}

async function answersTo<Asked extends { query: MetricQuery }>(
  reader: Reader,
  region: string,
  groups: readonly Asked[][],
  { start, end, periodSeconds }: Span,
) {
  const { CloudWatchClient, paginateGetMetricData } = await import('@aws-sdk/client-cloudwatch')
  const client = reader.client('cloudwatch', CloudWatchClient, region)
  const MetricDataQueries = groups.flat().map(({ query: { Stat, ...Metric } }, index) => ({
    Id: `q${index}`,
    MetricStat: { Metric, Stat, Period: periodSeconds },
  }))
  const span = { StartTime: new Date(start), EndTime: new Date(end) }
  const pages = await Array.fromAsync(paginateGetMetricData({ client }, { MetricDataQueries, ...span }))
  // A series may continue on the next page; its last status counts.
  const results = Map.groupBy(
    pages.flatMap(({ MetricDataResults = [] }) => MetricDataResults),
    ({ Id }) => Id,
  )
  let position = 0
  return groups.map((group) => {
    const answered = group.map((asked) => ({ asked, parts: results.get(`q${position++}`) ?? [] }))
    return {
      series: answered.map(({ asked, parts }): Series<Asked> => ({ asked, points: parts.flatMap(pointsOf) })),
      isComplete: answered.every(({ parts }) => parts.at(-1)?.StatusCode === 'Complete'),
    }
  })
}

function pointsOf({ Timestamps = [], Values = [] }: MetricDataResult) {
  return Timestamps.flatMap((time, index) => {
    const value = Values[index]
    return value === undefined ? [] : [{ time: time.toISOString(), value }]
  })
}
