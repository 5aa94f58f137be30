import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  SchedulerClient,
  type SchedulerClientConfig,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler'
import { type QueueMessage, Schedule, type Timer, timerMessage, type Timers } from '@cloudoptima/core'

export interface TimerTarget {
  /** The schedules of the stage. */
  groupName: string
  queueArn: string
  /** May send to the queue. */
  roleArn: string
}

/**
 * Replaced by EventBridge Scheduler:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
const dueTime = '<aws.scheduler.scheduled-time>'
const firing = '<aws.scheduler.execution-id>'

/** One schedule for each timer. */
export function createTimers(config: SchedulerClientConfig, target: TimerTarget, now = () => new Date()): Timers {
  const client = new SchedulerClient(config)
  const named = (orgId: string, id: string) => ({ GroupName: target.groupName, Name: `${orgId}.${id}` })
  return {
    async put(orgId, timer) {
      const schedule = { ...named(orgId, timer.id), ...(await scheduleOf(orgId, timer, target, now())) }
      const update = async () => void (await client.send(new UpdateScheduleCommand(schedule)))
      try {
        await update()
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error
        try {
          await client.send(new CreateScheduleCommand(schedule))
        } catch (created) {
          // Another call has made it meanwhile.
          if (!(created instanceof ConflictException)) throw created
          await update()
        }
      }
    },
    async remove(orgId, id) {
      try {
        await client.send(new DeleteScheduleCommand(named(orgId, id)))
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error
      }
    },
  }
}

async function scheduleOf(
  orgId: string,
  { id, timing }: Timer,
  { queueArn, roleArn }: TimerTarget,
  now: Date,
): Promise<Omit<CreateScheduleCommandInput, 'GroupName' | 'Name'>> {
  const message: QueueMessage.Info = { id: firing, orgId, sentAt: dueTime, data: timerMessage(id) }
  const [next] = await Schedule.nextTimes(timing, now, 1)
  return {
    ScheduleExpression: Schedule.awsExpression(timing),
    ...('cron' in timing
      ? { ScheduleExpressionTimezone: timing.timeZone }
      : // A rate counts from its first time.
        { StartDate: next }),
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: queueArn, RoleArn: roleArn, Input: JSON.stringify(message) },
  }
}
