import { type Bus, type Event, type Queue, type Queues, type Wiring } from '@cloudoptima/core'
import type { QueueRows } from '../embedded/queues.ts'

type Subscriptions = Wiring['subscriptions']

/** A queue for each subscription, so that an event survives a kill, is retried, and ends as a dead letter. */
export function subscriptionQueues(subscriptions: Subscriptions): QueueRows {
  return Object.fromEntries(
    Object.entries(subscriptions).map(([name, { run, timeoutSeconds = 60 }]): [string, Queue] => [
      queueOf(name),
      {
        concurrency: 10,
        visibilitySeconds: timeoutSeconds,
        receives: 5,
        consumer: { run: (ctx, event) => run(ctx, event as Event) },
      },
    ]),
  )
}

export function createBus(queues: Queues, subscriptions: Subscriptions): Bus {
  return {
    async publish(event) {
      for (const [name, row] of Object.entries(subscriptions))
        if (row.event === event.name)
          await queues.send(queueOf(name), event, { orgId: event.orgId, deduplicationId: event.id })
    },
  }
}

const queueOf = (subscription: string) => `on-${subscription}`

export function queuesOf({ queues, subscriptions }: Pick<Wiring, 'queues' | 'subscriptions'>): QueueRows {
  return { ...queues, ...subscriptionQueues(subscriptions) }
}
