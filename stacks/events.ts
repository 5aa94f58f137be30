import type { Rate, Row, Schedule } from '@cloudoptima/core'
import { ArnFormat, Duration, type Stack } from 'aws-cdk-lib'
import { Archive, EventBus, Rule, Schedule as Clock } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { NagSuppressions } from 'cdk-nag'
import { use, type Function, type StackContext } from 'sst/constructs'
import { alarm } from './alarms.ts'
import type { Grant } from './grants.ts'
import { nameOf } from './names.ts'
import { isRehearsal, logs } from './stage.ts'
import { wiringOf } from './wiring.ts'

/** The bus, a journal of every event the product knows, and a queue for what could not be delivered. */
export function Events({ app, stack }: StackContext) {
  const wiring = wiringOf(app.stage)
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
  // Rules of this bus have generated names. Schedules are rules of the account's own bus.
  const rules = [`${bus.eventBusName}/*`, ...Object.keys(wiring.schedules).map((name) => ruleOf(app.stage, name))].map(
    (resourceName) => stack.formatArn({ service: 'events', resource: 'rule', resourceName }),
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

  for (const name of Object.keys(wiring.events)) {
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

/** Has an event wake a function. What cannot be delivered within a day, or fails three times, goes to the dead-letter queue. */
export function subscribe(stack: Stack, event: string, wakes: Function): void {
  const { bus, deadLetters } = use(Events)
  const id = `${wakes.node.id}On-${event.replaceAll('.', '-')}`
  const rule = new Rule(stack, id, { eventBus: bus, eventPattern: { detailType: [event] } })
  const retryPolicy = { maximumRetryAttempts: 185, maximumEventAgeInSeconds: Duration.days(1).toSeconds() }
  const deadLetterConfig = { arn: deadLetters.queueArn }
  rule.addTarget({ bind: () => ({ arn: wakes.functionArn, deadLetterConfig, retryPolicy }) })
  mayInvoke(wakes, id, rule)
  keepFailures(stack, wakes)
}

/** Has the clock wake a function, in UTC. Failures go where those of events go. */
export function schedule(stack: Stack, stage: string, { name, id, rate }: Row & Schedule, wakes: Function): void {
  const { deadLetters } = use(Events)
  const rule = new Rule(stack, `${id}Clock`, { ruleName: ruleOf(stage, name), schedule: clock(rate) })
  rule.addTarget({ bind: () => ({ arn: wakes.functionArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
  mayInvoke(wakes, 'Clock', rule)
  keepFailures(stack, wakes)
}

function clock(rate: Rate): Clock {
  return 'everyMinutes' in rate
    ? Clock.rate(Duration.minutes(rate.everyMinutes))
    : Clock.cron({ minute: '0', hour: String(rate.dailyAtHour) })
}

function ruleOf(stage: string, schedule: string): string {
  return nameOf(stage, schedule.replace('schedules/', ''))
}

function mayInvoke(wakes: Function, id: string, { ruleArn: sourceArn }: Rule): void {
  wakes.addPermission(id, { principal: new ServicePrincipal('events.amazonaws.com'), sourceArn })
}

/** What fails three times goes to the dead-letter queue. */
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
