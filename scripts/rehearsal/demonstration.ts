import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { noOrganization, QueueMessage } from '@cloudoptima/core'
import { createAccount } from './account.ts'
import { poll } from './api.ts'
import type { Emulator } from './emulator.ts'

/** The deployment of the rows of the demonstration. */
export interface Demonstration {
  emulator: Emulator
  tableName: string
  busName: string
  fanOutArn: string
  step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result>
}

interface Mark {
  sk: { S: string }
  item: { M: { token?: { S: string } } }
}

const orgId = 'org_demonstration'
const queueName = 'demo-parcels'

/** Wakes the rows of `test/demonstration/wiring.ts`, and checks the marks of their functions in the table. */
export async function demonstrate({ emulator, tableName, busName, fanOutArn, step }: Demonstration): Promise<void> {
  const account = createAccount(emulator)
  /** The marks of an organization whose ids have this beginning, without it. */
  const marks = async (org: string, beginning: string): Promise<(Mark & { rest: string })[]> => {
    const { Items } = await account.call<{ Items: Mark[] }>('dynamodb', 'DynamoDB_20120810.Query', {
      TableName: tableName,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :beginning)',
      ExpressionAttributeValues: { ':pk': { S: `${org}#demoMarks` }, ':beginning': { S: beginning } },
    })
    return Items.map((mark) => ({ ...mark, rest: mark.sk.S.slice(beginning.length) }))
  }
  const expectMarks = async (org: string, beginning: string, wanted: string[]): Promise<void> => {
    await poll(
      async () => (await marks(org, beginning)).map(({ rest }) => rest).toSorted(),
      (found) => isDeepStrictEqual(found, wanted.toSorted()),
    )
  }

  await step('a new event wakes its subscriber', async () => {
    const event = {
      id: randomUUID(),
      name: 'demo.arrived',
      orgId,
      at: new Date().toISOString(),
      data: { parcelId: 'p1' },
    }
    const entry = { EventBusName: busName, Source: 'rehearsal', DetailType: event.name, Detail: JSON.stringify(event) }
    await account.call('events', 'AWSEvents.PutEvents', { Entries: [entry] })
    await expectMarks(orgId, 'arrived/', [event.id])
  })
  await step('a new queue wakes its consumer; a message that it refuses twice becomes a dead letter', async () => {
    const queue = async <Answer>(action: string, body: object) =>
      await account.call<Answer>('sqs', `AmazonSQS.${action}`, body)
    const urlOf = async (QueueName: string) =>
      (await queue<{ QueueUrl: string }>('GetQueueUrl', { QueueName })).QueueUrl
    const QueueUrl = await urlOf(`cloudoptima-rehearsal-${queueName}`)
    for (const data of [{ parcelId: 'p2' }, { parcelId: 1 }, { parcelId: 'p3' }]) {
      const message = { id: randomUUID(), orgId, sentAt: new Date().toISOString(), data }
      await queue('SendMessage', { QueueUrl, MessageBody: JSON.stringify(message) })
    }
    await expectMarks(orgId, 'received/', ['p2', 'p3'])
    const deadUrl = await urlOf(`cloudoptima-rehearsal-${QueueMessage.deadQueueOf(queueName)}`)
    const AttributeNames = ['ApproximateNumberOfMessages']
    await poll(
      async () =>
        await queue<{ Attributes: Record<string, string> }>('GetQueueAttributes', {
          QueueUrl: deadUrl,
          AttributeNames,
        }),
      ({ Attributes }) => Attributes['ApproximateNumberOfMessages'] === '1',
    )
  })
  await step('a new workflow maps its items, waits for its token and ends with the answer', async () => {
    const states = async <Answer>(action: string, body: object) =>
      await account.call<Answer>('states', `AWSStepFunctions.${action}`, body)
    const run = randomUUID()
    const { executionArn } = await states<{ executionArn: string }>('StartExecution', {
      stateMachineArn: fanOutArn,
      name: run,
      input: JSON.stringify({ orgId, run, items: [1000, 2500, 3000] }),
    })
    const [asked] = await poll(
      async () => await marks(orgId, `asked/${run}`),
      (found) => found.length > 0,
    )
    await expectMarks(orgId, `weighed/${run}/`, ['1000', '2500', '3000'])
    await states('SendTaskSuccess', { taskToken: asked?.item.M.token?.S, output: JSON.stringify({ isApproved: true }) })
    const ended = await poll(
      async () => await states<{ status: string; output?: string }>('DescribeExecution', { executionArn }),
      ({ status }) => status !== 'RUNNING',
    )
    const { weights, answer } = JSON.parse(ended.output ?? '{}') as Record<string, unknown>
    const wanted = { weights: [1, 2.5, 3].map((kilograms) => ({ kilograms })), answer: { isApproved: true } }
    if (ended.status !== 'SUCCEEDED' || !isDeepStrictEqual({ weights, answer }, wanted))
      throw new Error(`The execution ended with another result: ${JSON.stringify(ended)}`)
  })
  await step('a new schedule sends a message, whose consumer writes an item with an event', async () => {
    const ticked = await poll(
      async () => await marks(noOrganization, 'ticked/'),
      (found) => found.length > 0,
    )
    for (const beginning of ['received/', 'arrived/evt_'])
      await poll(
        async () => (await marks(noOrganization, beginning)).map(({ rest }) => rest),
        (found) => ticked.every(({ rest }) => found.includes(rest)),
      )
  })
}
