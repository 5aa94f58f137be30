import * as z from 'zod'
import type { Json } from '../effects/acting.ts'
import { actionNames } from '../kernel/action.ts'
import { Time } from '../kernel/calendar.ts'
import { clouds } from '../kernel/cloud.ts'
import { resourceKinds } from '../kernel/resource.ts'
import { SafetyControls } from './safety.ts'

// Zod's own type of JSON has mutable lists.
const json = z.json() as unknown as z.ZodType<Json, Json>
const text = z.string().min(1).max(1024)

/** Why a policy runs. */
export const Trigger = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('manual') }),
  z.strictObject({ type: z.literal('schedule'), at: Time.describe('The scheduled time.') }),
  z.strictObject({
    type: z.literal('event'),
    name: text,
    eventId: text.describe('Of the first one.'),
    events: z.int().optional().describe('Events that the execution is for, if there are several.'),
  }),
  z.strictObject({
    type: z.literal('threshold'),
    metric: text,
    value: z.string().describe('An exact decimal.'),
    at: Time,
  }),
])
export type Trigger = z.infer<typeof Trigger>

/** A resource that matched, as the inventory and the bills know it: enough for an `ActionTarget`. */
export const RequestedResource = z.strictObject({
  provider: z.enum(clouds),
  accountId: text,
  id: text,
  aliases: z.array(z.string()).default([]),
  kind: z.enum(resourceKinds),
  name: z.string().nullable(),
  region: z.string(),
  zone: z.string().nullable(),
  monthlyCost: z
    .strictObject({ amount: z.string(), currency: z.string() })
    .nullable()
    .describe('Effective, of 30 days; an exact decimal. Null: the bills do not name it.'),
})
export type RequestedResource = z.infer<typeof RequestedResource>

/** What `Executions.request` takes. */
export const ExecutionRequest = z.strictObject({
  /** Unique in the organization: a repetition answers the first execution. */
  key: z.string().min(1).max(256),
  /** `definition`: the hash of what a policy does, for its dry runs. */
  cause: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('policy'),
      policyId: text,
      policyName: text,
      trigger: Trigger,
      definition: text.optional(),
    }),
    z.strictObject({ kind: z.literal('recommendation'), recommendationId: text }),
  ]),
  action: z.strictObject({ name: z.enum(actionNames), parameters: z.record(z.string(), json) }),
  /** All that matched, the costliest first. Resources with protected tags are left out already; the caps are not applied. */
  resources: z.array(RequestedResource),
  /** Resources of the action's clouds and kinds, matched or not: the base of `maxSharePercent`. */
  fleetSize: z.int().min(0),
  safetyControls: SafetyControls,
  dryRun: z.boolean(),
  scheduledFor: Time.optional().describe('Not before it.'),
  /** The id of a user or an API key, who must not approve it: of a policy, who changed it last. */
  requestedBy: text,
})
export type ExecutionRequest = z.infer<typeof ExecutionRequest>

/** What `Executions.request` answers. */
export interface RequestedExecution {
  executionId: string
  /** Of the execution, such as `planning`. */
  status: string
}
