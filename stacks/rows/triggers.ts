import type { Rate } from '@cloudoptima/core'
import { Duration, type Stack } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { use, type Function } from 'sst/constructs'
import { Events } from '../events.ts'

/** An event that is not delivered within a day is a dead letter. */
export function onEvent(stack: Stack, event: string, wakes: Function): void {
  const { bus, deadLetters } = use(Events)
  const id = `${wakes.node.id}On-${event.replaceAll('.', '-')}`
  const rule = new Rule(stack, id, { eventBus: bus, eventPattern: { detailType: [event] } })
  const retryPolicy = { maximumRetryAttempts: 185, maximumEventAgeInSeconds: Duration.days(1).toSeconds() }
  const deadLetterConfig = { arn: deadLetters.queueArn }
  rule.addTarget({ bind: () => ({ arn: wakes.functionArn, deadLetterConfig, retryPolicy }) })
  mayInvoke(wakes, id, rule)
  keepFailures(stack, wakes)
}

/** The fixed name of the rule stands in the policy of the dead-letter queue. */
export function onClock(stack: Stack, ruleName: string, rate: Rate, wakes: Function): void {
  const { deadLetters } = use(Events)
  const rule = new Rule(stack, `${wakes.node.id}Clock`, { ruleName, schedule: scheduleOf(rate) })
  rule.addTarget({ bind: () => ({ arn: wakes.functionArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
  mayInvoke(wakes, 'Clock', rule)
  keepFailures(stack, wakes)
}

/** One message for each invocation, so that the concurrency of the queue counts messages. */
export function onMessage({ queue, concurrency }: { queue: IQueue; concurrency: number }, wakes: Function): void {
  const options = { batchSize: 1, maxConcurrency: concurrency, reportBatchItemFailures: true }
  wakes.addEventSource(new SqsEventSource(queue, options))
}

function scheduleOf(rate: Rate): Schedule {
  return 'everyMinutes' in rate
    ? Schedule.rate(Duration.minutes(rate.everyMinutes))
    : Schedule.cron({ minute: '0', hour: String(rate.dailyAtHour) })
}

function mayInvoke(wakes: Function, id: string, { ruleArn: sourceArn }: Rule) {
  wakes.addPermission(id, { principal: new ServicePrincipal('events.amazonaws.com'), sourceArn })
}

/** An event whose function fails three times is a dead letter. */
function keepFailures(stack: Stack, { node, functionName }: Function) {
  const { deadLetters } = use(Events)
  new CfnEventInvokeConfig(stack, `${node.id}Retries`, {
    functionName,
    qualifier: '$LATEST',
    maximumRetryAttempts: 2,
    maximumEventAgeInSeconds: Duration.hours(6).toSeconds(),
    destinationConfig: { onFailure: { destination: deadLetters.queueArn } },
  })
}
