import { Duration } from 'aws-cdk-lib'
import { Archive, EventBus, Rule } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Stack, StackContext } from 'sst/constructs'
import { accept, nameOf, arnOf, isRehearsal, logs } from './stage.ts'
import { alarm } from './alarms.ts'
import type { Grant } from './grants.ts'
import { deployedWiring } from './rows/wiring.ts'

/** With a journal of the events, and a queue for events that were not delivered. */
export function Events({ app, stack }: StackContext) {
  const wiring = deployedWiring()
  const bus = new EventBus(stack, 'Bus', { eventBusName: nameOf(app.stage) })
  if (!isRehearsal(app.stage)) {
    new Archive(stack, 'Archive', {
      sourceEventBus: bus,
      eventPattern: { account: [stack.account] },
      retention: Duration.days(30),
    })
  }
  // Schedules are rules of the default bus; those of this bus have generated names.
  const schedules = Object.keys(wiring.schedules).map((name) => nameOf(app.stage, name))
  const deadLetters = deadLetterQueue(stack, [`${bus.eventBusName}/*`, ...schedules])
  const journalArn = journal(stack, app.stage)
  for (const name of Object.keys(wiring.events)) {
    const rule = new Rule(stack, `On-${name.replaceAll('.', '-')}`, {
      eventBus: bus,
      eventPattern: { detailType: [name] },
    })
    rule.addTarget({ bind: () => ({ arn: journalArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
  }

  stack.addOutputs({ BusName: bus.eventBusName })
  const publish: Grant = { actions: ['events:PutEvents'], resources: [bus.eventBusArn] }
  /** Lambda sends failures to the queue with the role of the function. */
  const giveUp: Grant = { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }
  return { bus, deadLetters, publish, giveUp, busEnvironment: { BUS_NAME: bus.eventBusName } }
}

function deadLetterQueue(stack: Stack, rules: string[]): Queue {
  const deadLetters = new Queue(stack, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  accept(deadLetters, 'SQS3', 'It is the dead-letter queue of the rules and of their functions.')
  const arns = rules.map((resourceName) => stack.formatArn({ service: 'events', resource: 'rule', resourceName }))
  deadLetters.grantSendMessages(
    new ServicePrincipal('events.amazonaws.com', { conditions: { ArnLike: { 'aws:SourceArn': arns } } }),
  )
  alarm(stack, 'DeadLettersNotEmpty', {
    metric: deadLetters.metricApproximateNumberOfMessagesVisible(),
    from: 1,
    because:
      'EventBridge could not deliver an event, or its function failed three times: read the messages of this queue.',
  })
  return deadLetters
}

function journal(stack: Stack, stage: string) {
  // EventBridge delivers only to log groups below /aws/events/ that allow it.
  const group = new LogGroup(stack, 'Journal', { logGroupName: `/aws/events/${nameOf(stage)}`, ...logs(stage) })
  group.grantWrite(new ServicePrincipal('events.amazonaws.com'))
  return arnOf(stack, group)
}
