import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Stats, TreatMissingData, type Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import { use, type StackContext } from 'sst/constructs'
import { settings } from './settings.ts'

/** The topic of all alarms; each alarm stands beside the resource that it watches. */
export function Alarms({ app, stack }: StackContext) {
  // CloudWatch cannot publish under the AWS managed key, whose policy nobody can change.
  const key = new Key(stack, 'TopicKey', {
    description: `Alarms of CloudOptima (${app.stage})`,
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.DESTROY,
    pendingWindow: Duration.days(7),
  })
  // The policy of the topic names the account, so this grant needs no condition.
  key.grant(new ServicePrincipal('cloudwatch.amazonaws.com'), 'kms:Decrypt', 'kms:GenerateDataKey')
  const topic = new Topic(stack, 'Topic', { masterKey: key, enforceSSL: true })
  topic.grantPublish(
    new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  )
  const { alarmEmail } = settings()
  if (alarmEmail) topic.addSubscription(new EmailSubscription(alarmEmail))
  stack.addOutputs({ AlarmTopicArn: topic.topicArn })
  return { topic }
}

interface Watch {
  metric: Metric
  /** Over five minutes; the sum by default. */
  statistic?: 'Sum' | 'Maximum'
  from: number
  /** The event, a colon, and the place to look first. */
  because: string
}

/** Notifies the topic when a metric reaches its threshold, and when it falls below again. */
export function alarm(scope: Construct, id: string, { metric, statistic = Stats.SUM, from, because }: Watch): Alarm {
  const { topic } = use(Alarms)
  const made = new Alarm(scope, id, {
    metric: metric.with({ statistic, period: Duration.minutes(5) }),
    threshold: from,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    // Most metrics have no data while nothing is wrong.
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: because,
  })
  made.addAlarmAction(new SnsAction(topic))
  made.addOkAction(new SnsAction(topic))
  return made
}
