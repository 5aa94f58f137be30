import { events, type Bus, type Event, type EventName, type Log } from '@cloudoptima/core'

export type Subscriber<Name extends EventName> = (event: Event<Name>) => Promise<void>

export interface LocalBus extends Bus {
  subscribe<Name extends EventName>(name: Name, subscriber: Subscriber<Name>): void
}

/**
 * Delivers events to all subscribers of this process. `publish` rejects if a subscriber fails, so that the publisher's
 * retry delivers the event again (at least once).
 */
export function createBus(log: Log): LocalBus {
  const subscribers = new Map<EventName, ((event: Event) => Promise<void>)[]>()
  return {
    subscribe<Name extends EventName>(name: Name, subscriber: Subscriber<Name>) {
      const deliver = async (event: Event) =>
        await subscriber({ ...event, name, data: events[name].parse(event.data) } as Event<Name>)
      subscribers.set(name, [...(subscribers.get(name) ?? []), deliver])
    },
    async publish(event) {
      const wanted = subscribers.get(event.name) ?? []
      // On AWS events are JSON, so a subscriber must not rely on other values.
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
