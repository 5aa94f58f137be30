import { events, type EventName } from '@cloudoptima/core'
import { ArnFormat, Duration, type Stack } from 'aws-cdk-lib'
import { Archive, EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { NagSuppressions } from 'cdk-nag'
import { use, type Function, type StackContext } from 'sst/constructs'
import { alarm } from './alarms.ts'
import type { Grant } from './grants.ts'
import { isRehearsal, logs } from './stage.ts'

/** The bus, a journal of every event the product knows, and a queue for what could not be delivered. */
export function Events({ app, stack }: StackContext) {
  const bus = new EventBus(stack, 'Bus', { eventBusName: `cloudoptima-${app.stage}` })
  if (!isRehearsal(app.stage)) {
    new Archive(stack, 'Archive', {
      sourceEventBus: bus,
      eventPattern: { account: [stack.account] },
      retention: Duration.days(30),
    })
  }

  const deadLetters = new Queue(stack, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  NagSuppressions.addResourceSuppressions(deadLetters, [
    { id: 'AwsSolutions-SQS3', reason: 'It is the dead-letter queue, of the rules of our bus.' },
  ])
  // The rules of this bus, in whatever stack: their names are made there. And the rule of the clock, which is on the account's own bus.
  const rules = [`${bus.eventBusName}/*`, daily(app.stage)].map((resourceName) =>
    stack.formatArn({ service: 'events', resource: 'rule', resourceName }),
  )
  deadLetters.grantSendMessages(
    new ServicePrincipal('events.amazonaws.com', { conditions: { ArnLike: { 'aws:SourceArn': rules } } }),
  )
  alarm(stack, 'DeadLettersNotEmpty', {
    metric: deadLetters.metricApproximateNumberOfMessagesVisible(),
    from: 1,
    because: 'An event could not be delivered, or its function gave up: see the messages of the dead-letter queue.',
  })

  // EventBridge delivers only to log groups below /aws/events/, and only those whose resource policy lets it.
  const journal = new LogGroup(stack, 'Journal', {
    logGroupName: `/aws/events/cloudoptima-${app.stage}`,
    ...logs(app.stage),
  })
  journal.grantWrite(new ServicePrincipal('events.amazonaws.com'))
  const journalArn = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: journal.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })

  for (const name of Object.keys(events)) {
    const rule = new Rule(stack, `On-${name.replaceAll('.', '-')}`, {
      eventBus: bus,
      eventPattern: { detailType: [name] },
    })
    rule.addTarget({ bind: () => ({ arn: journalArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
  }

  const publish: Grant = { actions: ['events:PutEvents'], resources: [bus.eventBusArn] }
  /** Of a function that an event wakes: where it leaves what it could not do. */
  const giveUp: Grant = { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }
  return { bus, deadLetters, publish, giveUp, busEnvironment: { BUS_NAME: bus.eventBusName } }
}

/** A row in the table of who is woken by what. The function may `giveUp`. */
export interface Subscription {
  on: EventName
  wakes: Function
}

/** Has events wake functions. What cannot be delivered within a day, or fails three times, goes to the queue of dead letters. */
export function subscribe(stack: Stack, subscriptions: Subscription[]): void {
  const { bus, deadLetters } = use(Events)
  for (const { on, wakes } of subscriptions) {
    const id = `${wakes.node.id}On-${on.replaceAll('.', '-')}`
    const rule = new Rule(stack, id, { eventBus: bus, eventPattern: { detailType: [on] } })
    const retryPolicy = { maximumRetryAttempts: 185, maximumEventAgeInSeconds: Duration.days(1).toSeconds() }
    rule.addTarget({
      bind: () => ({ arn: wakes.functionArn, deadLetterConfig: { arn: deadLetters.queueArn }, retryPolicy }),
    })
    wakes.addPermission(id, { principal: new ServicePrincipal('events.amazonaws.com'), sourceArn: rule.ruleArn })
  }
  for (const wakes of new Set(subscriptions.map(({ wakes }) => wakes))) keepFailures(stack, wakes)
}

/** The rule that is the clock of a stage. */
function daily(stage: string): string {
  return `cloudoptima-${stage}-daily`
}

/** Has the clock wake functions at three in the morning, UTC. They may `giveUp`, and are tried as those of events are. */
export function everyDay(stack: Stack, stage: string, functions: Function[]): void {
  const { deadLetters } = use(Events)
  const rule = new Rule(stack, 'Daily', { ruleName: daily(stage), schedule: Schedule.cron({ minute: '0', hour: '3' }) })
  for (const wakes of functions) {
    rule.addTarget({ bind: () => ({ arn: wakes.functionArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
    wakes.addPermission('Daily', { principal: new ServicePrincipal('events.amazonaws.com'), sourceArn: rule.ruleArn })
    keepFailures(stack, wakes)
  }
}

/** What fails three times goes to the queue of dead letters. */
function keepFailures(stack: Stack, { node, functionName }: Function): void {
  const { deadLetters } = use(Events)
  new CfnEventInvokeConfig(stack, `${node.id}Retries`, {
    functionName,
    qualifier: '$LATEST',
    maximumRetryAttempts: 2,
    maximumEventAgeInSeconds: Duration.hours(6).toSeconds(),
    destinationConfig: { onFailure: { destination: deadLetters.queueArn } },
  })
}
