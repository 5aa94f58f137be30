import type { Queue as Row } from '@cloudoptima/core'
import { Duration, type Stack } from 'aws-cdk-lib'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { NagSuppressions } from 'cdk-nag'
import type { StackContext } from 'sst/constructs'
import { alarm } from './alarms.ts'
import { nameOf } from './names.ts'
import { wiringOf } from './wiring.ts'

const closed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) }
// An hour behind: the messages come faster than the consumer works, or the consumer fails.
const oldestSeconds = 3600

/** The queues of the wiring table, each with a dead-letter queue and alarms. */
export function Queues({ app, stack }: StackContext) {
  const rows = Object.entries(wiringOf(app.stage).queues)
  return { queues: Object.fromEntries(rows.map(([name, row]) => [name, queue(stack, app.stage, name, row)])) }
}

function queue(stack: Stack, stage: string, name: string, { visibilitySeconds, receives }: Row): Queue {
  const dead = new Queue(stack, `${name}-dead`, { ...closed, queueName: nameOf(stage, `${name}-dead`) })
  NagSuppressions.addResourceSuppressions(dead, [
    { id: 'AwsSolutions-SQS3', reason: `It is the dead-letter queue of ${name}.` },
  ])
  const made = new Queue(stack, name, {
    ...closed,
    queueName: nameOf(stage, name),
    visibilityTimeout: Duration.seconds(visibilitySeconds),
    deadLetterQueue: { queue: dead, maxReceiveCount: receives },
  })
  alarm(stack, `${name}-dead-letters`, {
    metric: dead.metricApproximateNumberOfMessagesVisible(),
    from: 1,
    because: `A message of ${name} failed ${receives} times: read the log of its function, then redrive the dead-letter queue.`,
  })
  alarm(stack, `${name}-age`, {
    metric: made.metricApproximateAgeOfOldestMessage(),
    statistic: 'Maximum',
    from: oldestSeconds,
    because: `A message of ${name} has waited for an hour: its function fails, or its concurrency is too low.`,
  })
  return made
}
