import { type Bus, type Event, type Queue, type Queues, type Wiring } from '@cloudoptima/core'
import type { QueueRows } from '../embedded/queues.ts'

type Subscriptions = Wiring['subscriptions']

/**
 * The queues of subscriptions. On one machine a subscription is a queue, as EventBridge keeps events for each of its targets: an event survives a kill, a
 * failure is tried again, and an event that fails too often becomes a dead letter.
 */
export function subscriptionQueues(subscriptions: Subscriptions): QueueRows {
  return Object.fromEntries(
    Object.entries(subscriptions).map(([name, { run, timeoutSeconds = 60 }]): [string, Queue] => [
      queueOf(name),
      {
        concurrency: 10,
        visibilitySeconds: timeoutSeconds,
        receives: 5,
        consumer: { run: async (ctx, event) => await run(ctx, event as Event) },
      },
    ]),
  )
}

/** The bus of one machine: it sends an event to the queue of each subscription. */
export function createBus(queues: Queues, subscriptions: Subscriptions): Bus {
  return {
    async publish(event) {
      for (const [name, row] of Object.entries(subscriptions))
        if (row.event === event.name)
          await queues.send(queueOf(name), event, { orgId: event.orgId, deduplicationId: event.id })
    },
  }
}

const queueOf = (subscription: string): string => `on-${subscription}`

/** All queues of one machine: those of the wiring table, and one for each subscription. */
export function queuesOf({ queues, subscriptions }: Pick<Wiring, 'queues' | 'subscriptions'>): QueueRows {
  return { ...queues, ...subscriptionQueues(subscriptions) }
}
