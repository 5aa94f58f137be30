import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
  type Message as Delivery,
} from '@aws-sdk/client-sqs'
import { type Consumer, type Log, type Queue, QueueMessage } from '@cloudoptima/core'
import type { Connection } from '@cloudoptima/runtime'
import { queueUrl, type QueueRows } from '../embedded/queues.ts'
import type { ContextOf } from './rows.ts'

const longPollSeconds = 20
const batch = 10
const pauseMs = 1_000
const graceMs = 5_000

export interface Pollers {
  stop(): Promise<void>
}

export interface PollerOptions {
  connection: Connection & { endpoint: string }
  queues: QueueRows
  contextOf: ContextOf
  log: Log
}

/** Consumes queues as Lambda's event sources do on AWS. */
export function pollQueues({ connection, queues, contextOf, log }: PollerOptions): Pollers {
  const client = new SQSClient(connection)
  const pollers = Object.entries(queues).flatMap(([name, { consumer, ...row }]) => {
    if (!consumer) return []
    const receiver = receiverOf(client, queueUrl(connection.endpoint, name), row)
    return [poll({ name, row, consumer, receiver, contextOf, log })]
  })
  return {
    async stop() {
      await Promise.all(pollers.map(({ stop }) => stop()))
      client.destroy()
    },
  }
}

interface Consumed extends Pick<PollerOptions, 'contextOf' | 'log'> {
  name: string
  row: Queue
  consumer: Consumer
  receiver: Receiver
}

function poll(queue: Consumed): Pollers {
  const { name, row, log } = queue
  const stopping = new AbortController()
  const stopped = once(stopping.signal, 'abort')
  const running = new Set<Promise<void>>()
  const isStopping = () => stopping.signal.aborted
  const begin = (delivery: Delivery) => {
    const done = deliver(queue, delivery)
      .catch((error: unknown) => isStopping() || log.error('a delivery failed', { queue: name, error }))
      .then(() => void running.delete(done))
    running.add(done)
  }
  const loop = async () => {
    while (!isStopping()) {
      const free = row.concurrency - running.size
      if (free === 0) await Promise.race([...running, stopped])
      else for (const delivery of await receive(queue, free, stopping.signal)) begin(delivery)
    }
  }
  const looping = loop()
  return {
    async stop() {
      stopping.abort()
      await looping
      // The next start delivers the rest again.
      await Promise.race([Promise.all(running), sleep(graceMs, undefined, { ref: false })])
    },
  }
}

async function receive({ name, receiver, log }: Consumed, free: number, signal: AbortSignal): Promise<Delivery[]> {
  try {
    return await receiver.receive(Math.min(free, batch), signal)
  } catch (error) {
    if (signal.aborted) return []
    log.error('a queue was not read', { queue: name, error })
    return await sleep(pauseMs, [], { signal }).catch(() => [])
  }
}

/** Hides a delivery while its consumer runs, then deletes it, or hides it until the retry. */
async function deliver({ name, row, consumer, receiver, contextOf, log }: Consumed, delivery: Delivery) {
  const { Body = '', ReceiptHandle = '', Attributes } = delivery
  const extend = () =>
    receiver
      .hide(ReceiptHandle, row.visibilitySeconds)
      .catch((error: unknown) => log.error('a message may be delivered twice', { queue: name, error }))
  const extending = setInterval(() => void extend(), (row.visibilitySeconds * 1000) / 2)
  try {
    await QueueMessage.consume((given) => contextOf({ ...given, actor: `queues/${name}` }), name, consumer, Body)
  } catch {
    // `consume` has logged and recorded the failure.
    return await receiver.hide(ReceiptHandle, backoffSeconds(row, Number(Attributes?.ApproximateReceiveCount)))
  } finally {
    clearInterval(extending)
  }
  await receiver.remove(ReceiptHandle)
}

/** After the last delivery the next receive makes a dead letter. */
function backoffSeconds({ receives, visibilitySeconds }: Queue, received: number) {
  if (received >= receives) return 0
  return Math.ceil(Math.min(visibilitySeconds, 2 ** received) * (0.5 + Math.random() / 2))
}

type Receiver = ReturnType<typeof receiverOf>

function receiverOf(client: SQSClient, QueueUrl: string, { visibilitySeconds }: Queue) {
  return {
    async receive(MaxNumberOfMessages: number, abortSignal: AbortSignal): Promise<Delivery[]> {
      const request = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages,
        WaitTimeSeconds: longPollSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      })
      return (await client.send(request, { abortSignal })).Messages ?? []
    },
    async hide(ReceiptHandle: string, VisibilityTimeout: number) {
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }))
    },
    async remove(ReceiptHandle: string) {
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    },
  }
}
