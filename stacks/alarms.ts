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

/** Where every alarm is told. The first of the stacks: each alarm stands beside what it watches. */
export function Alarms({ app, stack }: StackContext) {
  // CloudWatch cannot publish to a topic under the key that AWS keeps for SNS: nobody can let it use that.
  const key = new Key(stack, 'TopicKey', {
    description: `Alarms of CloudOptima (${app.stage})`,
    enableKeyRotation: true,
    // A topic keeps nothing that would have to be read later.
    removalPolicy: RemovalPolicy.DESTROY,
    pendingWindow: Duration.days(7),
  })
  // As AWS documents it, without a condition: the topic's own policy says whose alarms.
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
  /** Of five minutes; the sum by default. */
  statistic?: 'Sum' | 'Maximum'
  /** The alarm goes off when the statistic reaches this. */
  from: number
  /** What has happened, and where to look first. */
  because: string
}

/** Tells the topic when a metric gets too high, and when that is over. */
export function alarm(scope: Construct, id: string, { metric, statistic = Stats.SUM, from, because }: Watch): Alarm {
  const { topic } = use(Alarms)
  const made = new Alarm(scope, id, {
    metric: metric.with({ statistic, period: Duration.minutes(5) }),
    threshold: from,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    // Most of what is counted here is not there at all while all is well.
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: because,
  })
  made.addAlarmAction(new SnsAction(topic))
  made.addOkAction(new SnsAction(topic))
  return made
}
