import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs'
import type { Function, Stack } from 'sst/constructs'
import { alarm } from '../alarms.ts'

export function deniedBursts(stack: Stack, stage: string, functions: Function[]): void {
  const filters = functions.map(
    ({ node, logGroup }) =>
      new MetricFilter(stack, `${node.id}Denied`, {
        logGroup,
        filterPattern: FilterPattern.stringValue('$.message', '=', 'denied'),
        metricNamespace: `CloudOptima/${stage}`,
        metricName: 'Denied',
      }),
  )
  const [filter] = filters
  if (!filter) return
  alarm(stack, 'DeniedBurst', {
    metric: filter.metric(),
    from: 50,
    because:
      'The API denied 50 or more requests within 5 minutes: a client guesses credentials or lost its permission. See ' +
      'the audit trail and the access logs.',
  })
}
