import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler'
import { timerQueue } from '@cloudoptima/core'
import { use, type StackContext } from 'sst/constructs'
import type { Extra } from './grants.ts'
import { Queues } from './queues.ts'
import { isRehearsal, nameOf, pattern } from './stage.ts'

/** The schedules of policies, which send messages to a queue. */
export function Timers({ app, stack }: StackContext) {
  const group = new CfnScheduleGroup(stack, 'Timers', { name: nameOf(app.stage) })
  const { queue } = use(Queues).queueOf(timerQueue)
  const groupName = nameOf(app.stage)
  const scheduleArn = (resource: string, resourceName: string) =>
    stack.formatArn({ service: 'scheduler', resource, resourceName })
  const role = new Role(stack, 'TimersRole', {
    // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnEquals: { 'aws:SourceArn': scheduleArn('schedule-group', groupName) },
      },
    }),
  })
  role.node.addDependency(group)
  role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }))
  // MiniStack checks each schedule as one of the group default.
  const schedules = scheduleArn('schedule', `${isRehearsal(app.stage) ? 'default' : groupName}/*`)
  /** Sets and removes schedules. */
  const timers: Required<Extra> = {
    environment: { TIMER_GROUP: groupName, TIMER_QUEUE_ARN: queue.queueArn, TIMER_ROLE_ARN: role.roleArn },
    grants: [
      {
        actions: ['scheduler:CreateSchedule', 'scheduler:DeleteSchedule', 'scheduler:UpdateSchedule'],
        resources: [schedules],
        because: pattern('A schedule has the name of its policy. The pattern names the group of the stage.', {
          regex: String.raw`/^Resource::.*:schedule\/(cloudoptima-[\w-]+|default)\/\*$/`,
        }),
      },
      {
        actions: ['iam:PassRole'],
        resources: [role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
      },
    ],
  }
  return { timers }
}
