import * as z from 'zod'

/** Every event there is, with its payload: ids, not objects. Publisher, subscriber and stacks take the names from here. */
export const events = {
  'cost.landed': z.object({
    importId: z.string(),
    lakeVersion: z.number().int(),
    partitions: z.array(z.object({ partition: z.string(), version: z.number().int(), rows: z.number().int() })),
  }),
  /** Partitions were hidden for good: their files, versions and raw bills can be removed. */
  'lake.purged': z.object({ purgeId: z.string() }),
  /** Somebody is to get a mail; whether there is such a person is found out by whoever sends it. */
  'mail.requested': z.object({
    kind: z.enum(['verify-email', 'reset-password', 'invitation', 'password-changed']),
    /** The hash of the address as the directory has it; of an invitation its id. */
    to: z.string(),
  }),
} as const

export type EventName = keyof typeof events

/** A message that leaves with a write: an event, or a trace of the audit log. */
export interface Outgoing {
  id: string
  name: string
  orgId: string
  at: string
  data: object
}

/** The name of a trace of the audit log. Every other message that leaves with a write is an event. */
export const traceName = 'change.begun'

/** What goes over the bus. `id` is the same however often it is delivered. */
export interface Event<Name extends EventName = EventName> extends Outgoing {
  name: Name
  data: z.infer<(typeof events)[Name]>
}
