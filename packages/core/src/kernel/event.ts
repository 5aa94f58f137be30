import * as z from 'zod'

/** Every event with its payload: ids, not objects. */
export const events = {
  /** Bills of an import became visible with this lake version. A large import lands in several versions. */
  'cost.landed': z.object({ importId: z.string(), lakeVersion: z.number().int() }),
  /** An account was purged; its files, versions and raw bills are to be deleted. */
  'lake.purged': z.object({ purgeId: z.string() }),
  /** A mail is to be sent. The sender looks up the recipient, who may not exist. */
  'mail.requested': z.object({
    kind: z.enum(['verify-email', 'reset-password', 'invitation', 'password-changed']),
    /** Hash of the address; for an invitation its id. */
    to: z.string(),
  }),
} as const

export type EventName = keyof typeof events

/** An event or an audit trace, stored by the write of an item. */
export interface Outgoing {
  id: string
  name: string
  orgId: string
  at: string
  data: object
}

/** The name of an audit trace; every other outgoing message is an event. */
export const traceName = 'change.begun'

/** Every delivery of an event has the same `id`. */
export interface Event<Name extends EventName = EventName> extends Outgoing {
  name: Name
  data: z.infer<(typeof events)[Name]>
}
