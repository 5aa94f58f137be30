import { EventBridgeClient, PutEventsCommand, type EventBridgeClientConfig } from '@aws-sdk/client-eventbridge'
import { Fault, type Bus } from '@cloudoptima/core'

/** Detail type = the event's name, detail = the event; throws Fault `unavailable`. */
export function createBus(config: EventBridgeClientConfig, EventBusName: string): Bus {
  const client = new EventBridgeClient(config)
  return {
    async publish(event) {
      const entry = {
        EventBusName,
        Source: 'cloudoptima',
        DetailType: event.name,
        Detail: JSON.stringify(event),
        Time: new Date(event.at),
      }
      const { FailedEntryCount, Entries } = await client.send(new PutEventsCommand({ Entries: [entry] }))
      // PutEvents answers 200 even if it refused the entry.
      if (FailedEntryCount)
        throw new Fault(
          'unavailable',
          `The event bus refused ${event.name} ${event.id}: ${Entries?.[0]?.ErrorCode}. Publish it again later.`,
        )
    },
  }
}
