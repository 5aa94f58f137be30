import { pascal, QueueMessage, type Queue as Row } from '@cloudoptima/core'
import { Duration, type Stack } from 'aws-cdk-lib'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { StackContext } from 'sst/constructs'
import { accept, nameOf } from './stage.ts'
import { alarm } from './alarms.ts'
import { deployedWiring } from './rows/wiring.ts'

const closed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true }
// A dead letter keeps the time of its first send, so it has to be kept for longer.
const [kept, keptDead] = [Duration.days(4), Duration.days(14)]
const oldestSeconds = 3600

export function Queues({ app, stack }: StackContext) {
  const rows = Object.entries(deployedWiring().queues)
  const queues = new Map(rows.map(([name, row]) => [name, { ...row, queue: queue(stack, app.stage, name, row) }]))
  const queueOf = (name: string): Row & { queue: Queue } => {
    const found = queues.get(name)
    if (!found) throw new Error(`The wiring table has no queue ${name}.`)
    return found
  }
  return { queueOf }
}

function queue(stack: Stack, stage: string, name: string, { visibilitySeconds, receives }: Row): Queue {
  const id = pascal(name)
  const dead = new Queue(stack, `${id}Dead`, {
    ...closed,
    queueName: nameOf(stage, QueueMessage.deadQueueOf(name)),
    retentionPeriod: keptDead,
  })
  accept(dead, 'SQS3', `It is the dead-letter queue of ${name}.`)
  const live = new Queue(stack, id, {
    ...closed,
    queueName: nameOf(stage, name),
    retentionPeriod: kept,
    visibilityTimeout: Duration.seconds(visibilitySeconds),
    deadLetterQueue: { queue: dead, maxReceiveCount: receives },
  })
  alarm(stack, `${id}DeadLetters`, {
    metric: dead.metricApproximateNumberOfMessagesVisible(),
    from: 1,
    because:
      `A message of ${name} failed ${receives} times: read the log of its function, then redrive the ` +
      'dead-letter queue.',
  })
  alarm(stack, `${id}Age`, {
    metric: live.metricApproximateAgeOfOldestMessage(),
    statistic: 'Maximum',
    from: oldestSeconds,
    because:
      `A message of ${name} has waited for an hour: its function fails, or the concurrency of the queue is too ` +
      'low.',
  })
  return live
}
