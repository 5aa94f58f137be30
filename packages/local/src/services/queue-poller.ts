import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
  type Message as Delivery,
} from '@aws-sdk/client-sqs'
import { type Context, type Log, Queue } from '@cloudoptima/core'
import type { Connection } from '@cloudoptima/runtime'
import { queueUrl, type QueueRows } from '../embedded/queues.ts'

const longPollSeconds = 20
/** As many as SQS gives at once. */
const batch = 10
const pauseMs = 1_000
/** Consumers may take this time to end when the product stops. */
const graceMs = 5_000

export interface Pollers {
  stop(): Promise<void>
}

export interface PollerOptions {
  connection: Connection & { endpoint: string }
  rows: QueueRows
  ctx: Context
}

/** Consumes the queues that have a consumer, as Lambda's event sources do on AWS. */
export function pollQueues({ connection, rows, ctx }: PollerOptions): Pollers {
  const consumed = Object.entries(rows).filter(([, { consumer }]) => consumer !== undefined)
  if (consumed.length === 0) return { stop: () => Promise.resolve() }
  const client = new SQSClient(connection)
  const pollers = consumed.map(([name, row]) =>
    poll(receiver(client, queueUrl(connection.endpoint, name), row), name, row, ctx),
  )
  return {
    async stop() {
      await Promise.all(pollers.map(async ({ stop }) => await stop()))
      client.destroy()
    },
  }
}

function poll(queue: Receiver, name: string, row: Queue.Row, ctx: Context): Pollers {
  const stopping = new AbortController()
  const stopped = once(stopping.signal, 'abort')
  const running = new Set<Promise<void>>()
  const isStopping = () => stopping.signal.aborted
  const begin = (delivery: Delivery) => {
    const done = deliver(queue, name, row, ctx, delivery)
      .catch((error: unknown) => isStopping() || ctx.log.error('a delivery failed', { queue: name, error }))
      .then(() => void running.delete(done))
    running.add(done)
  }
  const loop = async () => {
    while (!isStopping()) {
      if (running.size >= row.concurrency) await Promise.race([...running, stopped])
      else
        for (const delivery of await receive(queue, name, row.concurrency - running.size, stopping.signal, ctx.log))
          begin(delivery)
    }
  }
  const looping = loop()
  return {
    async stop() {
      stopping.abort()
      await looping
      // What still runs then is delivered again by the next start.
      await Promise.race([Promise.all(running), sleep(graceMs, undefined, { ref: false })])
    },
  }
}

async function receive(
  queue: Receiver,
  name: string,
  free: number,
  signal: AbortSignal,
  log: Log,
): Promise<Delivery[]> {
  try {
    return await queue.receive(Math.min(free, batch), signal)
  } catch (error) {
    if (signal.aborted) return []
    log.error('a queue was not read', { queue: name, error })
    // An abort of the pause ends the loop as well.
    return await sleep(pauseMs, [], { signal }).catch(() => [])
  }
}

/** One delivery: hidden from other receivers while the consumer runs, deleted on success, delivered again later on failure. */
async function deliver(queue: Receiver, name: string, row: Queue.Row, ctx: Context, delivery: Delivery): Promise<void> {
  const { Body = '', ReceiptHandle = '', Attributes } = delivery
  const extend = setInterval(
    () => {
      queue
        .hide(ReceiptHandle, row.visibilitySeconds)
        .catch((error: unknown) => ctx.log.error('a message may be delivered twice', { queue: name, error }))
    },
    (row.visibilitySeconds * 1000) / 2,
  )
  try {
    await Queue.consume(ctx, name, row, Body)
  } catch {
    // `consume` has logged and recorded the failure.
    return await queue.hide(ReceiptHandle, backoffSeconds(row, Number(Attributes?.ApproximateReceiveCount)))
  } finally {
    clearInterval(extend)
  }
  await queue.remove(ReceiptHandle)
}

/** Exponential with jitter; none after the last delivery, which the next receive makes a dead letter. */
function backoffSeconds({ receives, visibilitySeconds }: Queue.Row, received: number): number {
  if (received >= receives) return 0
  return Math.ceil(Math.min(visibilitySeconds, 2 ** received) * (0.5 + Math.random() / 2))
}

type Receiver = ReturnType<typeof receiver>

function receiver(client: SQSClient, QueueUrl: string, { visibilitySeconds }: Queue.Row) {
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
    async hide(ReceiptHandle: string, VisibilityTimeout: number): Promise<void> {
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }))
    },
    async remove(ReceiptHandle: string): Promise<void> {
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    },
  }
}
