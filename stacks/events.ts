import { events } from '@cloudoptima/core'
import { ArnFormat, Duration } from 'aws-cdk-lib'
import { Archive, EventBus, Rule } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { NagSuppressions } from 'cdk-nag'
import type { StackContext } from 'sst/constructs'
import { isRehearsal, logs } from './stage.ts'

/** The bus, a journal of every event the product knows, and a queue for what could not be delivered. */
export function Events({ app, stack }: StackContext) {
  const bus = new EventBus(stack, 'Bus', { eventBusName: `cloudoptima-${app.stage}` })
  if (!isRehearsal(app.stage)) {
    new Archive(stack, 'Archive', { sourceEventBus: bus, eventPattern: { account: [stack.account] }, retention: Duration.days(30) })
  }

  const deadLetters = new Queue(stack, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  NagSuppressions.addResourceSuppressions(deadLetters, [{ id: 'AwsSolutions-SQS3', reason: 'It is the dead-letter queue, of the rules below.' }])

  // EventBridge delivers only to log groups below /aws/events/, and only those whose resource policy lets it.
  const journal = new LogGroup(stack, 'Journal', {
    logGroupName: `/aws/events/cloudoptima-${app.stage}`,
    ...logs(app.stage),
  })
  journal.grantWrite(new ServicePrincipal('events.amazonaws.com'))
  const journalArn = stack.formatArn({ service: 'logs', resource: 'log-group', resourceName: journal.logGroupName, arnFormat: ArnFormat.COLON_RESOURCE_NAME })

  for (const name of Object.keys(events)) {
    const rule = new Rule(stack, `On-${name.replaceAll('.', '-')}`, { eventBus: bus, eventPattern: { detailType: [name] } })
    rule.addTarget({ bind: () => ({ arn: journalArn, deadLetterConfig: { arn: deadLetters.queueArn } }) })
    deadLetters.grantSendMessages(new ServicePrincipal('events.amazonaws.com', { conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } } }))
  }

  return { bus, deadLetters }
}
