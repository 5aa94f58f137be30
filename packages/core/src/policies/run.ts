import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Context, expiryIn } from '../effects/context.ts'
import * as Execution from '../executions/execution.ts'
import * as Executions from '../executions/executions.ts'
import { known } from '../executions/request.ts'
import type { RequestedExecution, Trigger } from '../executions/request-input.ts'
import { resultOf } from '../executions/shown.ts'
import { change, command } from '../guard/command.ts'
import { Page } from '../effects/paged.ts'
import { walk } from '../effects/tables.ts'
import type { Event } from '../kernel/event.ts'
import { Fault, isWritten } from '../kernel/fault.ts'
import { byId } from '../kernel/name.ts'
import { type Batch, batchOf, idsOf, take, type Wake, wakeWaiting } from './gathering.ts'
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
        cause: { kind: 'policy', policyId, policyName, trigger, definition: fingerprint(policy) },
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
    found ? { ...found, lastRun: { at, trigger: type, matched, executionId } } : undefined,
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
      throw new Fault(
        'conflict',
        'The policy has dry_run_first: execute it with dry_run=true, wait for its end, and read the plan.',
      )
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

/** A message of the queue. `gathered`: events or crossings wait. */
export const Message = z.object({
  policyId: z.string(),
  trigger: z.object({ type: z.enum(['schedule', 'gathered']) }),
})
type Message = z.output<typeof Message>

/** Idempotent by the trigger. A policy that is deleted, disabled or waits for something else does nothing. */
export async function consume(ctx: Context, { policyId, trigger: { type } }: Message): Promise<void> {
  const policy = await ctx.tables.policies.get(ctx.orgId, policyId)
  if (type === 'schedule') await onTime(ctx, policyId, policy)
  else await gather(ctx, policyId, policy)
}

async function onTime(ctx: Context, policyId: string, policy: Info | undefined): Promise<void> {
  const own = policy?.trigger
  if (own?.type !== 'schedule') await ctx.runtime.timers.remove(ctx.orgId, policyId)
  const at = policy?.enabled && own?.type === 'schedule' ? await lastTime(own.timing, ctx.now()) : undefined
  if (!policy || !at) return ctx.log.info('a policy does not wait for its timer', { policyId })
  if ((await liveOf(ctx, policyId)) !== undefined) return
  const trigger = { type: 'schedule', at: at.toISOString() } as const
  const key = `${policyId}/schedule/${trigger.at}`
  await run(ctx, policy, { trigger, key, dryRun: false, requestedBy: policy.updatedBy })
}

/** Requests one execution for all that waits, when the last one has ended. */
async function gather(ctx: Context, policyId: string, before: Info | undefined): Promise<void> {
  if (before?.enabled && (await goesOn(ctx, before))) return
  const found = await batchOf(ctx, policyId)
  if (!found) return
  const { batch, wakes } = found
  // Again, because another message may have ended its batch meanwhile.
  const policy = await ctx.tables.policies.get(ctx.orgId, policyId)
  const meant = policy?.enabled ? wakes.filter(({ trigger }) => isMeant(policy, trigger)) : []
  const [first] = meant
  if (policy && first) {
    const isRequested = (await known(ctx, batch.key)) !== undefined
    // Its end brings the message again.
    if (!isRequested && (await goesOn(ctx, policy))) return
    await runBatch(ctx, policy, batch, [first, ...meant.slice(1)])
  }
  await take(ctx, batch)
}

async function runBatch(ctx: Context, policy: Info, { key }: Batch, wakes: readonly [Wake, ...Wake[]]): Promise<void> {
  const newest = wakes.at(-1) ?? wakes[0]
  const [{ trigger }] = wakes
  const isMore = trigger.type === 'event' && wakes.length > 1
  const ids = await idsOf(ctx, wakes)
  await run(ctx, policy, {
    trigger: trigger.type === 'threshold' ? newest.trigger : { ...trigger, ...(isMore && { events: wakes.length }) },
    key,
    dryRun: false,
    requestedBy: policy.updatedBy,
    ...(ids && { ids }),
  })
}

function isMeant({ trigger: own }: Info, given: Trigger): boolean {
  if (own.type === 'event' && given.type === 'event') return own.event === given.name
  return own.type === given.type
}

/** Also a dry run of the last trigger, which shows the definition; by what is stored, because the index may be late. */
async function goesOn(ctx: Context, { id, lastRun }: Info): Promise<boolean> {
  const last =
    lastRun?.executionId == null ? undefined : await ctx.tables.policyExecutions.get(ctx.orgId, lastRun.executionId)
  return (last !== undefined && Execution.isLive(last)) || (await liveOf(ctx, id)) !== undefined
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

/** Counts how the executions of policies end, and what their dry runs have shown. */
export async function count(
  ctx: Context,
  { data: { executionId } }: Pick<Event<'execution.ended'>, 'data'>,
): Promise<void> {
  const execution = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
  if (!execution?.policyId) return
  const { policyId, cause, dryRun, status } = execution
  const result = dryRun ? null : resultOf(execution)
  if (result !== null)
    await ctx.tables.policyRuns.upsert(ctx.orgId, `${policyId}/${executionId}`, (found) =>
      found && found.result !== result ? { ...found, result } : undefined,
    )
  const rehearsed = cause.kind === 'policy' && dryRun && status === 'planned' ? cause.definition : undefined
  if (rehearsed !== undefined)
    await ctx.tables.policies.upsert(ctx.orgId, policyId, (found) =>
      found && found.rehearsed !== rehearsed && fingerprint(found) === rehearsed ? { ...found, rehearsed } : undefined,
    )
  await wakeWaiting(ctx, policyId)
}
