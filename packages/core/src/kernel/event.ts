import * as z from 'zod'
import { resourceChanges } from './resource.ts'

/** The payload has ids, not objects. */
export const events = {
  /** A large import lands in several versions. */
  'cost.landed': z.object({ importId: z.string(), lakeVersion: z.int() }),
  /** The inventory of an account changed; of a lake version of its own kind. The list is cut; the counts are whole. */
  'resource.changed': z.object({
    syncId: z.string(),
    lakeVersion: z.int(),
    provider: z.string(),
    accountId: z.string(),
    counts: z.partialRecord(z.enum(resourceChanges), z.int()),
    resources: z.array(z.object({ id: z.string(), change: z.enum(resourceChanges) })).max(100),
    /** Of the inventory, as the changes in the lake have it. */
    takenAt: z.string().optional(),
  }),
  /** A way to save at least the smallest amount that the organization wants to hear of; at most once for each. */
  'recommendation.found': z.object({ recommendationId: z.string() }),
  /** Settings, marks of expected costs, dismissals, or the first utilization: costs and resources are judged again. */
  'judgement.changed': z.object({}),
  /** A cost of the last days that nobody expected; at most once for each anomaly. */
  'anomaly.detected': z.object({ anomalyId: z.string(), severity: z.enum(['high', 'medium', 'low']) }),
  /** Created, changed or deleted. */
  'policy.changed': z.object({ policyId: z.string() }),
  /** A metric crossed the threshold of a policy. */
  'threshold.crossed': z.object({ policyId: z.string(), metric: z.string(), value: z.string(), at: z.string() }),
  /** The cloud account can be read: collect it. */
  'account.connected': z.object({ cloudAccountId: z.string() }),
  /** The first failed collection after a good one. */
  'sync.failed': z.object({ sourceId: z.string(), syncId: z.string() }),
  /** An execution of an action is to plan. */
  'execution.requested': z.object({ executionId: z.string() }),
  /** A plan waits for approvals: those who may give one are asked by mail. */
  'approval.requested': z.object({ executionId: z.string() }),
  /** Approved, rejected or canceled: its workflow goes on. */
  'execution.decided': z.object({ executionId: z.string() }),
  /** What an execution has changed is to be taken back. */
  'rollback.requested': z.object({ executionId: z.string() }),
  /** With the status of its end: of the execution, and again of a rollback. */
  'execution.ended': z.object({ executionId: z.string(), status: z.string() }),
  /** The bytes of an import are to be deleted. */
  'import.canceled': z.object({ importId: z.string() }),
  /** Files, versions and raw bills of an account are to be deleted. */
  'lake.purged': z.object({ purgeId: z.string() }),
  /** The sender looks up the recipient, who may not exist. */
  'mail.requested': z.object({
    kind: z.enum(['verify-email', 'reset-password', 'invitation', 'password-changed']),
    /** Hash of the address; for an invitation its id. */
    to: z.string(),
  }),
} as const

/** Those that can start the executions of a policy. */
export const triggerEvents = [
  'anomaly.detected',
  'recommendation.found',
  'resource.changed',
] as const satisfies readonly EventName[]

export type EventName = keyof typeof events

/** An event or a trace, stored by the write of an item. */
export interface Outgoing {
  id: string
  name: string
  orgId: string
  at: string
  data: object
}

export const traceName = 'change.begun'

/** Every delivery of an event has the same `id`. */
export interface Event<Name extends EventName = EventName> extends Outgoing {
  name: Name
  data: z.infer<(typeof events)[Name]>
}
