import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { CreateScheduleGroupCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { QueueMessage } from '@cloudoptima/core'
import { createRuntime, noLake } from '@cloudoptima/runtime'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe } from 'vitest'
import { type TimerWorld, timersContract } from '../../packages/local/src/services/testing/timers-contract.ts'
import { asRoot } from '../clouds/customer.ts'
import { emulators } from './collection.ts'

// Timers on EventBridge Scheduler, against MiniStack. Run by `npm run emulators`, which starts it.

const { ministack = '' } = emulators
const groupName = 'cloudoptima-timers'

describe.skipIf(ministack === '')('EventBridge Scheduler of MiniStack', () => {
  let world: TimerWorld

  beforeAll(async () => {
    const connection = asRoot({ endpoint: ministack, account: '333333333333' })
    const sqs = new SQSClient(connection)
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'timers' }))
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
    const trust = { Effect: 'Allow', Principal: { Service: 'scheduler.amazonaws.com' }, Action: 'sts:AssumeRole' }
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] })
    const iam = new IAMClient(connection)
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'timers', AssumeRolePolicyDocument }))
    await new SchedulerClient(connection).send(new CreateScheduleGroupCommand({ Name: groupName }))
    const { timers } = createRuntime({
      ...connection,
      endpoints: { scheduler: ministack },
      tableName: 'none',
      bucketName: 'none',
      lake: noLake,
      timers: { groupName, queueArn: Attributes?.QueueArn ?? '', roleArn: Role?.Arn ?? '' },
    })
    const found: QueueMessage.Info[] = []
    const receive = async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
      found.push(...Messages.flatMap(({ Body = '' }) => QueueMessage.read(Body) ?? []))
    }
    const pass = async () => {
      for (let tries = 0; tries < 40 && found.length === 0; tries++) {
        await setTimeout(5_000)
        await receive()
      }
    }
    world = { timers, pass, messages: async () => found }
  })

  timersContract('on AWS', () => world)
})
