import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  type Message as Delivery,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs'
import { type DeadLetter, Id, noOrganization, QueueMessage, type QueueDepth, type Queues } from '@cloudoptima/core'

export type QueueUrl = (name: string) => string

const batch = 10
/** A listing that is cut off hides dead letters no longer. */
const listingSeconds = 60

/** Standard queues on SQS: a message may come twice and in any order. */
export function createQueues(config: SQSClientConfig, urlOf: QueueUrl, now = () => new Date()): Queues {
  const client = new SQSClient(config)
  const sendTo = async (queue: string, MessageBody: string, DelaySeconds?: number) =>
    void (await client.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody, DelaySeconds })))
  const deadUrlOf = (queue: string) => urlOf(QueueMessage.deadQueueOf(queue))
  const deadOf = async (queue: string, options: object) => {
    const QueueUrl = deadUrlOf(queue)
    const attributes = { MessageSystemAttributeNames: ['ApproximateReceiveCount' as const, 'SentTimestamp' as const] }
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: batch, ...attributes, ...options }),
    )
    return Messages
  }
  return {
    async send(queue, data, { orgId = noOrganization, delaySeconds, deduplicationId } = {}) {
      const message = { id: deduplicationId ?? Id.create('msg', now()), orgId, sentAt: now().toISOString(), data }
      await sendTo(queue, bodyOf(message), delaySeconds)
    },
    depths: async (queues) => await Promise.all(queues.map((queue) => depthOf(client, urlOf, queue))),
    async deadLetters(queue, limit) {
      const found: Delivery[] = []
      // A listed letter is hidden meanwhile, so that the next receive finds others.
      for (let more = limit; more > 0; more = limit - found.length) {
        const MaxNumberOfMessages = Math.min(batch, more)
        const next = await deadOf(queue, { MaxNumberOfMessages, VisibilityTimeout: listingSeconds, WaitTimeSeconds: 1 })
        if (next.length === 0) break
        found.push(...next)
      }
      for (const { ReceiptHandle } of found)
        await client.send(
          new ChangeMessageVisibilityCommand({ QueueUrl: deadUrlOf(queue), ReceiptHandle, VisibilityTimeout: 0 }),
        )
      return found.map(letterOf)
    },
    async redrive(queue) {
      // Those that die again meanwhile stay, or a redrive could last for ever.
      const { dead } = await depthOf(client, urlOf, queue)
      let moved = 0
      while (moved < dead) {
        const MaxNumberOfMessages = Math.min(batch, dead - moved)
        const found = await deadOf(queue, { MaxNumberOfMessages, WaitTimeSeconds: 1 })
        if (found.length === 0) break
        for (const { Body = '', ReceiptHandle } of found) {
          await sendTo(queue, Body)
          await client.send(new DeleteMessageCommand({ QueueUrl: deadUrlOf(queue), ReceiptHandle }))
          moved++
        }
      }
      return moved
    },
  }
}

/** SQS refuses the characters that XML cannot carry, the embedded SQS surrogates too; both take JSON escapes. */
function bodyOf(message: QueueMessage.Info) {
  return JSON.stringify(message).replace(
    /[\uD800-\uDFFF\uFFFE\uFFFF]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16)}`,
  )
}

function letterOf({ MessageId = '', Body = '', Attributes = {} }: Delivery): DeadLetter {
  const { SentTimestamp, ApproximateReceiveCount } = Attributes
  const known = { id: MessageId, sentMs: Number(SentTimestamp), receives: Number(ApproximateReceiveCount) }
  return QueueMessage.letterOf(Body, known)
}

async function depthOf(client: SQSClient, urlOf: QueueUrl, queue: string): Promise<QueueDepth> {
  const [own, dead] = await Promise.all(
    [queue, QueueMessage.deadQueueOf(queue)].map(async (name) => {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: urlOf(name), AttributeNames: ['All'] }),
      )
      return Attributes
    }),
  )
  return {
    queue,
    waiting: Number(own?.ApproximateNumberOfMessages),
    inFlight: Number(own?.ApproximateNumberOfMessagesNotVisible),
    delayed: Number(own?.ApproximateNumberOfMessagesDelayed),
    oldestSeconds: null,
    dead: Number(dead?.ApproximateNumberOfMessages),
  }
}
