import { EventBridgeClient, PutEventsCommand, type EventBridgeClientConfig } from '@aws-sdk/client-eventbridge'
import { Fault, type Bus } from '@cloudoptima/core'

/** Events on EventBridge: the event's name is the detail type, the whole event the detail. */
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
      // PutEvents answers 200 even when it took nothing.
      if (FailedEntryCount)
        throw new Fault(
          'unavailable',
          `The event bus did not take ${event.name} ${event.id}: ${Entries?.[0]?.ErrorCode}.`,
        )
    },
  }
}
