import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Context, expiryIn } from '../effects/context.ts'
import * as Execution from '../executions/execution.ts'
import * as Executions from '../executions/executions.ts'
import { type RequestedExecution, Trigger } from '../executions/request-input.ts'
import { resultOf } from '../executions/shown.ts'
import { change, command } from '../guard/command.ts'
import { Page } from '../effects/paged.ts'
import { walk } from '../effects/tables.ts'
import type { Event } from '../kernel/event.ts'
import { Fault, isWritten } from '../kernel/fault.ts'
import { byId } from '../kernel/name.ts'
import { judge, requested } from './match.ts'
import { type Info, load } from './policy.ts'
import { lastTime } from './schedule.ts'

const keptSeconds = 400 * 24 * 3600

interface Asked {
  trigger: Trigger
  /** The same for each repetition. */
  key: string
  dryRun: boolean
  requestedBy: string
  /** Only these resources, in lower case. */
  ids?: readonly string[]
}

interface Ran {
  matched: number
  execution?: RequestedExecution
}

/** Matches now, and requests the execution. A trigger of a policy that matches nothing requests none. */
async function run(ctx: Context, policy: Info, { trigger, key, requestedBy, ids, ...asked }: Asked): Promise<Ran> {
  const { action, conditions, safetyControls, id: policyId, name: policyName } = policy
  // The rules are not part of the start of each function.
  const { fleetOf } = await import('./fleet.ts')
  const { members, size } = await fleetOf(ctx, action.name, conditions, ids)
  const verdicts = judge(members, { conditions, protectedTags: safetyControls.protectedTags }, ctx.now())
  const matching = verdicts.filter(({ failures }) => failures.length === 0)
  const dryRun = asked.dryRun || needsRehearsal(policy)
  const isNeeded = matching.length > 0 || trigger.type === 'manual'
  const execution = isNeeded
    ? await Executions.request(ctx, {
        key,
        cause: { kind: 'policy', policyId, policyName, trigger },
        action: { name: action.name, parameters: { ...action.parameters } },
        resources: matching.map(({ subject }) => requested(subject)),
        fleetSize: size,
        safetyControls,
        dryRun,
        requestedBy,
      })
    : undefined
  const ran = { matched: matching.length, ...(execution && { execution }) }
  await record(ctx, policy, trigger, ran)
  return ran
}

/** What a dry run shows; a change of the rest needs no new one. */
const fingerprint = ({ action, conditions, safetyControls }: Info): string =>
  createHash('sha256')
    .update(JSON.stringify([action, conditions, safetyControls]))
    .digest('hex')

const needsRehearsal = (policy: Info): boolean =>
  policy.safetyControls.dryRunFirst && policy.rehearsed !== fingerprint(policy)

async function record(ctx: Context, policy: Info, { type }: Trigger, { matched, execution }: Ran): Promise<void> {
  const at = ctx.now().toISOString()
  const executionId = execution?.executionId ?? null
  if (executionId !== null)
    await isWritten(
      ctx.tables.policyRuns.insert(ctx.orgId, {
        id: `${policy.id}/${executionId}`,
        at,
        expiresAt: expiryIn(ctx, keptSeconds),
      }),
    )
  // Somebody may have deleted it meanwhile.
  await ctx.tables.policies.upsert(ctx.orgId, policy.id, (found) =>
    found
      ? {
          ...found,
          lastRun: { at, trigger: type, matched, executionId },
          ...(executionId !== null && { rehearsed: fingerprint(policy) }),
        }
      : undefined,
  )
}

const ById = byId("The policy's id.")

export const Executed = z.object({
  executionId: z.string(),
  status: z.string().describe('The stage of the execution, such as `planning`.'),
  dryRun: z.boolean(),
  matched: z.int(),
})

/** Throws Fault `conflict` for a policy that is disabled, or that needs a dry run first. */
export const execute = change(
  'policies.execute',
  ById.extend({ dryRun: z.boolean().default(false) }),
  'execute:policies',
  async (ctx, { id, dryRun }, note): Promise<z.infer<typeof Executed>> => {
    const policy = await load(ctx, id)
    note({ resourceType: 'policy', resourceId: id, after: { dryRun } })
    if (!dryRun && !policy.enabled)
      throw new Fault('conflict', 'The policy is disabled. Enable it, or execute it with dry_run=true.')
    if (!dryRun && needsRehearsal(policy))
      throw new Fault('conflict', 'The policy has dry_run_first: execute it with dry_run=true, and read the plan.')
    const asked = { trigger: { type: 'manual' }, key: ctx.newId('run'), dryRun, requestedBy: ctx.actor.id } as const
    const { execution, matched } = await run(ctx, policy, asked)
    if (!execution) throw new Error('A manual run requested no execution.')
    return { ...execution, dryRun, matched }
  },
)

/** The newest first. */
export const executions = command(
  'policies.executions',
  Page.extend(ById.shape),
  'read:executions',
  async (ctx, { id, ...page }): Promise<z.infer<typeof Executions.List>> => {
    await load(ctx, id)
    return await Executions.ofPolicy(ctx, id, page)
  },
)

/** A message of the queue. */
export const Message = z.object({
  policyId: z.string(),
  trigger: z.union([z.object({ type: z.literal('schedule') }), Trigger]),
  /** Only these, in lower case; default: all. */
  resourceIds: z.array(z.string()).optional(),
})
type Message = z.output<typeof Message>

/** Idempotent by the trigger. A policy that is deleted, disabled or waits for something else does nothing. */
export async function consume(ctx: Context, { policyId, trigger: given, resourceIds }: Message): Promise<void> {
  const policy = await ctx.tables.policies.get(ctx.orgId, policyId)
  if (given.type === 'schedule' && policy?.trigger.type !== 'schedule')
    await ctx.runtime.timers.remove(ctx.orgId, policyId)
  const trigger = policy?.enabled ? await triggerOf(policy, given, ctx.now()) : undefined
  if (!policy || !trigger) {
    ctx.log.info('a policy does not wait for this trigger', { policyId, trigger: given.type })
    return
  }
  const goingOn = trigger.type === 'event' ? undefined : await liveOf(ctx, policyId)
  if (goingOn !== undefined) {
    ctx.log.info('an execution of the policy goes on', { policyId, executionId: goingOn })
    return
  }
  await run(ctx, policy, {
    trigger,
    key: keyOf(policyId, trigger),
    dryRun: false,
    requestedBy: policy.updatedBy,
    ...(resourceIds && { ids: resourceIds }),
  })
}

/** With the time that was due; undefined if the policy does not wait for it. */
async function triggerOf({ trigger: own }: Info, given: Message['trigger'], now: Date): Promise<Trigger | undefined> {
  if (given.type === 'schedule') {
    const at = own.type === 'schedule' ? await lastTime(own.timing, now) : undefined
    return at && { type: 'schedule', at: at.toISOString() }
  }
  if (own.type !== given.type) return undefined
  return own.type === 'event' && given.type === 'event' && own.event !== given.name ? undefined : given
}

/**
 * An execution of the policy that goes on, and is no dry run: another one would ask for the same approvals again. The
 * stages are in their order, so that one that moves on meanwhile is not missed.
 */
async function liveOf({ tables, orgId }: Context, policyId: string): Promise<string | undefined> {
  for (const status of Execution.liveStatuses)
    for await (const one of walk((page) => tables.policyExecutions.byStatus(orgId, status, page)))
      if (one.policyId === policyId && !one.dryRun) return one.id
  return undefined
}

function keyOf(policyId: string, trigger: Trigger): string {
  switch (trigger.type) {
    case 'manual':
      throw new Error('A manual execution has a key of its own.')
    case 'event':
      return `${policyId}/event/${trigger.eventId}`
    case 'schedule':
    case 'threshold':
      return `${policyId}/${trigger.type}/${new Date(trigger.at).toISOString()}`
  }
}

/** Counts how the executions of policies end. */
export async function count(
  ctx: Context,
  { data: { executionId } }: Pick<Event<'execution.ended'>, 'data'>,
): Promise<void> {
  const execution = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
  const result = execution && !execution.dryRun ? resultOf(execution) : null
  if (!execution?.policyId || result === null) return
  await ctx.tables.policyRuns.upsert(ctx.orgId, `${execution.policyId}/${executionId}`, (found) =>
    found && found.result !== result ? { ...found, result } : undefined,
  )
}
