import type { Bus, Event, Log } from '@cloudoptima/core'

export type Subscriber = (event: Event) => Promise<void>

export interface LocalBus extends Bus {
  /** Delivers every event of this name to the subscriber. */
  subscribe(event: string, subscriber: Subscriber): void
}

/**
 * Delivers events to all subscribers of this process. `publish` rejects if a subscriber fails, so that the publisher's
 * retry delivers the event again (at least once).
 */
export function createBus(log: Log): LocalBus {
  const subscribers = new Map<string, Subscriber[]>()
  return {
    subscribe(event, subscriber) {
      subscribers.set(event, [...(subscribers.get(event) ?? []), subscriber])
    },
    async publish(event) {
      const wanted = subscribers.get(event.name) ?? []
      // An event on a bus is JSON: a subscriber must not rely on more.
      const results = await Promise.allSettled(
        wanted.map(async (deliver) => await deliver(JSON.parse(JSON.stringify(event)) as Event)),
      )
      const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
      for (const reason of reasons)
        log.error('a subscriber failed', { event: event.name, eventId: event.id, error: reason })
      if (reasons.length > 0)
        throw new AggregateError(reasons, `${reasons.length} of ${wanted.length} subscribers to ${event.name} failed`)
    },
  }
}
