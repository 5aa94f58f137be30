import { Fault, QueueMessage, type QueueDepth, type Queues } from '@cloudoptima/core'

interface Shown {
  messageId: string
  body: string
  sentTimestamp: number
  approximateReceiveCount: number
  delayUntil?: number
}

interface Inspection {
  messages: {
    ready: Shown[]
    delayed: Shown[]
    inflight: { message: Shown; visibilityDeadline: number }[]
  }
}

/** Adds the age of messages, and shows dead letters without receiving them. */
export function inspected(queues: Queues, endpoint: string, secret: string): Queues {
  const inspect = async (name: string): Promise<Inspection['messages']> => {
    const headers = { authorization: `Bearer ${secret}` }
    const response = await fetch(`${endpoint}/_fauxqs/queues/${name}`, { headers })
    if (!response.ok) throw new Fault('unavailable', `The embedded SQS answered ${response.status} for ${name}.`)
    return ((await response.json()) as Inspection).messages
  }
  return {
    send: (...input) => queues.send(...input),
    redrive: (queue) => queues.redrive(queue),
    depths: async (names) =>
      await Promise.all(
        names.map(async (queue) =>
          depthOf(queue, await inspect(queue), await inspect(QueueMessage.deadQueueOf(queue)), Date.now()),
        ),
      ),
    async deadLetters(queue, limit) {
      const { ready, inflight } = await inspect(QueueMessage.deadQueueOf(queue))
      const dead = [...ready, ...inflight.map(({ message }) => message)]
      return dead
        .slice(0, limit)
        .map(({ messageId, body, sentTimestamp, approximateReceiveCount }) =>
          QueueMessage.letterOf(body, { id: messageId, sentMs: sentTimestamp, receives: approximateReceiveCount }),
        )
    },
  }
}

/** The embedded SQS moves messages on only when it is asked for one. */
function depthOf(
  queue: string,
  { ready, delayed, inflight }: Inspection['messages'],
  dead: Inspection['messages'],
  now: number,
): QueueDepth {
  const later = delayed.filter(({ delayUntil = 0 }) => delayUntil > now)
  const hidden = inflight.filter(({ visibilityDeadline }) => visibilityDeadline > now)
  const all = [...ready, ...delayed, ...inflight.map(({ message }) => message)]
  const oldest = Math.min(...all.map(({ sentTimestamp }) => sentTimestamp))
  return {
    queue,
    waiting: all.length - later.length - hidden.length,
    inFlight: hidden.length,
    delayed: later.length,
    oldestSeconds: all.length === 0 ? null : Math.max(0, Math.round((now - oldest) / 1000)),
    dead: dead.ready.length + dead.inflight.length,
  }
}
