import * as z from 'zod'
import { actions } from '../actions/actions.ts'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { SafetyControls } from '../executions/safety.ts'
import { Fault, invalid, isWritten } from '../kernel/fault.ts'
import { Name } from '../kernel/name.ts'
import * as Action from './action.ts'
import * as Conditions from './conditions.ts'
import { comingTimes, OneTrigger, type PolicyTrigger, Written, writtenOf } from './trigger.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    policies: Table<Info>
    policyRuns: Table<Run>
  }
}

const mostPolicies = 200

const Fields = z.strictObject({
  name: Name,
  description: z.string().max(2_000),
  enabled: z.boolean().describe('A disabled policy waits for no trigger; it can still be executed as a dry run.'),
  trigger: OneTrigger,
  conditions: Conditions.Conditions.describe(
    'All must hold. Without conditions each resource matches that the action can change.',
  ),
  actions: Action.OneAction,
})

export const Settings = Fields.extend({
  description: Fields.shape.description.default(''),
  enabled: Fields.shape.enabled.default(true),
  conditions: Fields.shape.conditions.prefault([]),
  safetyControls: SafetyControls.prefault({}),
})

const controls = SafetyControls.shape

/** Without defaults, which would replace what is not given. */
export const Changes = z.strictObject({
  ...Fields.partial().shape,
  safetyControls: z
    .strictObject({
      dryRunFirst: controls.dryRunFirst.removeDefault(),
      requireApproval: controls.requireApproval.removeDefault(),
      rollbackEnabled: controls.rollbackEnabled.removeDefault(),
      maxResourcesPerExecution: controls.maxResourcesPerExecution.removeDefault(),
      maxMonthlyCost: controls.maxMonthlyCost.removeDefault(),
      maxSharePercent: controls.maxSharePercent.removeDefault(),
      blackoutWindows: controls.blackoutWindows.removeDefault(),
      protectedTags: controls.protectedTags.removeDefault(),
    })
    .partial()
    .optional(),
})

/** Automation: a trigger, conditions on resources, and one action with its limits. */
export interface Info {
  id: string
  name: string
  description: string
  enabled: boolean
  trigger: PolicyTrigger
  conditions: Conditions.Node[]
  action: Action.PolicyAction
  safetyControls: SafetyControls
  createdAt: string
  createdBy: string
  updatedAt: string
  /** Executions by a trigger are requested in the name of this user, who cannot approve them. */
  updatedBy: string
  /** Grows with each change. */
  version: number
  /** The hash of the definition that a dry run has shown to its end. */
  rehearsed?: string
  lastRun?: { at: string; trigger: string; matched: number; executionId: string | null }
}

/** An execution of a policy. */
export interface Run {
  /** `{policy}/{execution}` */
  id: string
  at: string
  /** Absent while it runs, and of a dry run. */
  result?: (typeof results)[number]
  expiresAt: number
}

export const results = ['success', 'failed', 'partial'] as const

export const Public = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  enabled: z.boolean(),
  trigger: Written,
  conditions: z.array(Conditions.Written),
  actions: z.array(Action.Written),
  safetyControls: SafetyControls,
  lastExecuted: z.string().nullable(),
  executionCount: z.int().describe('Of 400 days, with dry runs.'),
  successRate: z.number().nullable().describe('Percent of the executions that ended and were no dry runs.'),
  lastRun: z
    .object({
      at: z.string(),
      trigger: z.string(),
      matched: z.int(),
      executionId: z.string().nullable().describe('Null: nothing matched.'),
    })
    .nullable()
    .describe('The last time it looked for resources.'),
  nextRuns: z.array(z.string()).describe('The next five times of its schedule; empty if it is disabled.'),
  createdAt: z.string(),
  createdBy: z.string(),
  updatedAt: z.string(),
  updatedBy: z.string(),
  version: z.int().describe('For `version` of a change, which then fails if somebody else has changed the policy.'),
})
export type Public = z.infer<typeof Public>

export async function publicOf(ctx: Context, policy: Info): Promise<Public> {
  const { trigger, action, conditions, lastRun = null, enabled, action: _, rehearsed: __, ...same } = policy
  const runs = await ctx.tables.policyRuns.all(ctx.orgId, `${policy.id}/`)
  const ended = runs.filter(({ result }) => result !== undefined)
  const succeeded = ended.filter(({ result }) => result === 'success').length
  return {
    ...same,
    enabled,
    trigger: writtenOf(trigger),
    conditions: Conditions.writtenOf(conditions),
    actions: [Action.writtenOf(action)],
    lastExecuted:
      runs
        .map(({ at }) => at)
        .toSorted()
        .at(-1) ?? null,
    executionCount: runs.length,
    successRate: ended.length === 0 ? null : Math.round((succeeded / ended.length) * 10_000) / 100,
    lastRun,
    nextRuns: enabled ? await comingTimes(trigger, ctx.now()) : [],
  }
}

/** Throws Fault `not_found`. */
export async function load(ctx: Context, id: string): Promise<Info> {
  const found = await ctx.tables.policies.get(ctx.orgId, id)
  if (!found) throw new Fault('not_found', `There is no policy ${id}.`)
  return found
}

/** An item of the table holds 400 KB. */
const mostBytes = 100_000

/** What no field can tell alone. Throws Fault `invalid`. */
function check(policy: Info): void {
  const { action, safetyControls } = policy
  const { title, undo, undone } = actions[action.name]
  if (undo === 'none' && !safetyControls.requireApproval)
    throw invalid(
      'safetyControls.requireApproval',
      `The approval of \`${action.name}\``,
      'must be required, because the action cannot be undone',
      `${title}: ${undone}`,
    )
  if (Buffer.byteLength(JSON.stringify(policy)) > mostBytes)
    throw invalid('conditions', 'The policy', `must be at most ${mostBytes / 1000} KB of JSON`)
}

/** Idempotent by the id. Throws Fault `invalid` or `conflict`. */
export async function store(ctx: Context, id: string, input: z.output<typeof Settings>): Promise<Info> {
  const { actions: action, ...settings } = input
  const at = ctx.now().toISOString()
  const by = ctx.actor.id
  const made: Info = { id, ...settings, action, createdAt: at, createdBy: by, updatedAt: at, updatedBy: by, version: 1 }
  check(made)
  const { total } = await ctx.tables.policies.select(ctx.orgId, { limit: 0 })
  if (total >= mostPolicies)
    throw new Fault('conflict', `An organization has at most ${mostPolicies} policies. Delete one.`)
  await isWritten(ctx.tables.policies.insert(ctx.orgId, made, [event(ctx, 'policy.changed', { policyId: id })]))
  return await load(ctx, id)
}

/** With what is given; the rest stays. Throws Fault `invalid`. */
export function changed(found: Info, given: z.output<typeof Changes>, by: string, now: Date): Info {
  const { actions: action, safetyControls, ...fields } = given
  const made: Info = {
    ...found,
    ...known({ ...fields, action }),
    safetyControls: { ...found.safetyControls, ...known(safetyControls ?? {}) },
    updatedAt: now.toISOString(),
    updatedBy: by,
    version: found.version + 1,
  }
  check(made)
  return made
}

function known(given: object): Partial<Record<string, never>> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
