import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Bus, Log } from '@cloudoptima/core'
import { filteredLog } from '@cloudoptima/runtime'
import type middy from '@middy/core'

const serviceName = 'cloudoptima'
const logger = new Logger({ serviceName })
const metrics = new Metrics({ namespace: 'CloudOptima', serviceName })

/** By name: `...Ms` is a time, any other a count. */
type Measured = Record<string, number>

/** By the message of the log, without errors and durations, which Lambda measures at no cost. */
export const measures: Record<string, (fields: Record<string, unknown>) => Measured> = {
  request: ({ status, durationMs }) => ({
    [`Requests${String(status).charAt(0)}xx`]: 1,
    RequestDurationMs: Number(durationMs),
  }),
  'import ended': ({ outcome, rows }) => {
    if (outcome === 'committed') return { ImportsCommitted: 1, RowsCommitted: Number(rows) }
    return { [outcome === 'refused' ? 'ImportsRefused' : 'ImportsUnchanged']: 1 }
  },
  'import failed': () => ({ ImportsFailed: 1 }),
  'events stay pending until the sweep': () => ({ EventsLeft: 1 }),
  'a message failed': () => ({ QueueFailures: 1 }),
}

/** Behind the allow list of fields. */
export function lambdaLog(bound: Record<string, unknown> = {}): Log {
  return filteredLog(bound, (level, message, fields) => {
    logger[level](message, fields)
    measure(measures[message]?.(fields) ?? {})
  })
}

export function countedBus(bus: Bus): Bus {
  return {
    async publish(event) {
      await bus.publish(event)
      measure({ EventsPublished: 1 })
    },
  }
}

export function observed(): middy.MiddlewareObj<unknown, unknown> {
  const end = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics()
  }
  return {
    before({ context }) {
      logger.addContext(context)
      metrics.setDefaultDimensions({ function: context.functionName })
    },
    after: end,
    onError({ error, context: { awsRequestId, functionName } }) {
      lambdaLog().error('a task failed', { requestId: awsRequestId, function: functionName, error })
      end()
    },
  }
}

function measure(values: Measured) {
  for (const [name, value] of Object.entries(values))
    metrics.addMetric(name, name.endsWith('Ms') ? MetricUnit.Milliseconds : MetricUnit.Count, value)
}
