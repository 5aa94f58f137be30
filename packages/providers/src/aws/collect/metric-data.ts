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

/** The values of each batch of queries. What CloudWatch fails to compute twice is reported under the part. */
export async function* metricValues<Asked extends { query: MetricQuery }>(
  reader: Reader,
  region: string,
  asked: readonly Asked[],
  span: Span,
  part: string,
): AsyncGenerator<Series<Asked>[]> {
  for (let start = 0; start < asked.length; start += batchSize) {
    const batch = asked.slice(start, start + batchSize)
    const first = await answersTo(reader, region, batch, span)
    const again = first.filter(({ isComplete }) => !isComplete).map(({ asked }) => asked)
    const second = again.length === 0 ? [] : await answersTo(reader, region, again, span)
    if (second.some(({ isComplete }) => !isComplete))
      reader.report({ state: 'unavailable', part, message: 'CloudWatch did not compute all metrics. It may later.' })
    yield [...first.filter(({ isComplete }) => isComplete), ...second]
  }
}

async function answersTo<Asked extends { query: MetricQuery }>(
  reader: Reader,
  region: string,
  batch: readonly Asked[],
  { start, end, periodSeconds }: Span,
) {
  const { CloudWatchClient, paginateGetMetricData } = await import('@aws-sdk/client-cloudwatch')
  const client = reader.client('cloudwatch', CloudWatchClient, region)
  const MetricDataQueries = batch.map(({ query: { Stat, ...Metric } }, index) => ({
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
  return batch.map((asked, index) => {
    const parts = results.get(`q${index}`) ?? []
    return { asked, points: parts.flatMap(pointsOf), isComplete: parts.at(-1)?.StatusCode === 'Complete' }
  })
}

function pointsOf({ Timestamps = [], Values = [] }: MetricDataResult) {
  return Timestamps.flatMap((time, index) => {
    const value = Values[index]
    return value === undefined ? [] : [{ time: time.toISOString(), value }]
  })
}
