import { actions } from '../../actions/actions.ts'
import type { Context } from '../../effects/context.ts'
import { expiryIn } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import { timeText } from '../../kernel/calendar.ts'
import { isWritten } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import { beyondCaps } from '../caps.ts'
import * as Execution from '../execution.ts'
import { protectedNow } from '../protection.ts'
import { reach } from '../reach.ts'
import * as Target from '../target.ts'
import { answersOf } from './each-account.ts'
import type { Input } from './input.ts'

const approvalDays = 7
const dayMs = 86_400_000
const keptSeconds = 400 * 24 * 3600

export interface Next {
  next: 'ask' | 'check' | 'end'
}

/** Freezes the targets, their states of before and after, and the hash of it all. Nothing is changed. */
export async function plan(ctx: Context, { executionId }: Input): Promise<Next> {
  const execution = await Execution.load(ctx, executionId)
  if (execution.status !== 'planning') return nextOf(execution)
  const { stopped, approvalRules } = await Organization.load(ctx)
  if (stopped && !execution.dryRun) {
    const why = `Executions are stopped since ${stopped.at}: ${stopped.reason}`
    return await endedAs(ctx, executionId, 'stopped', why)
  }
  // A late repetition overwrites no target: what is stored first is the plan.
  for (const target of await plannedTargets(ctx, execution))
    await isWritten(ctx.tables.executionTargets.insert(ctx.orgId, target))
  await leaveOutBeyondCaps(ctx, execution)
  const targets = await Target.all(ctx, executionId)
  const planned = targets.filter(({ state }) => state === 'planned')
  const planHash = Target.planHashOf(planned.map(({ hash = '' }) => hash))
  const says = `Planned ${planned.length} of ${targets.length} resources; the hash of the plan is ${planHash}.`
  const made = { planHash, targets: targets.length }
  if (execution.dryRun) return await endedAs(ctx, executionId, 'planned', `${says} ${dryRunOf(execution)}`, made)
  if (planned.length === 0)
    return await endedAs(ctx, executionId, 'nothing_to_do', `${says} Nothing is to be done.`, made)
  const isForEver = planned.some(Target.isIrreversible)
  const approvalsNeeded = execution.safetyControls.requireApproval || isForEver ? approvalRules.approvals : 0
  const status = approvalsNeeded > 0 ? 'awaiting_approval' : 'waiting'
  const approvals = approvalsNeeded === 1 ? 'an approval' : `${approvalsNeeded} approvals`
  const approveBy = new Date(ctx.now().getTime() + approvalDays * dayMs).toISOString()
  const asked = event(ctx, 'approval.requested', { executionId }, `evt_${executionId}_ask`)
  const moved = await Execution.move(ctx, executionId, ['planning'], {
    ...made,
    status,
    approvalsNeeded,
    ...(approvalsNeeded > 0 && { approveBy }),
    line: approvalsNeeded > 0 ? `${says} It needs ${approvals} until ${timeText(approveBy)}.` : says,
    events: approvalsNeeded > 0 ? [asked] : [],
  })
  return nextOf(moved ?? (await Execution.load(ctx, executionId)))
}

/** A trigger requests a dry run only as the first execution of a policy. */
function dryRunOf({ cause }: Execution.Info): string {
  if (cause.kind !== 'policy' || cause.trigger.type === 'manual') return 'This is a dry run.'
  const later =
    cause.trigger.type === 'schedule'
      ? 'The next time of its schedule changes them, or execute the policy.'
      : 'The same trigger does not come again: execute the policy to change them.'
  return `This is a dry run, because the policy is new or changed. ${later}`
}

function nextOf({ status }: Execution.Info): Next {
  if (status === 'awaiting_approval') return { next: 'ask' }
  return { next: status === 'waiting' || status === 'executing' ? 'check' : 'end' }
}

async function endedAs(
  ctx: Context,
  executionId: string,
  status: Execution.Status,
  outcome: string,
  made: Partial<Execution.Info> = {},
): Promise<Next> {
  await Execution.move(ctx, executionId, ['planning'], {
    ...made,
    status,
    outcome,
    endedAt: ctx.now().toISOString(),
    line: outcome,
    events: [event(ctx, 'execution.ended', { executionId, status }, `evt_${executionId}_end`)],
  })
  return { next: 'end' }
}

async function plannedTargets(ctx: Context, execution: Execution.Info): Promise<Target.Info[]> {
  const accounts = await ctx.tables.cloudAccounts.all(ctx.orgId)
  const connected = new Map(
    accounts.flatMap(({ id, provider, accountId, removedAt }) =>
      removedAt === undefined ? [[`${provider}/${accountId}`, id] as const] : [],
    ),
  )
  const expiresAt = expiryIn(ctx, keptSeconds)
  const targets = execution.resources.map((resource, index): Target.Info => {
    const { provider, accountId, id, aliases, kind, name, region, zone, monthlyCost } = resource
    const number = index + 1
    const cloudAccountId = connected.get(`${provider}/${accountId}`)
    return {
      id: Target.targetId(execution.id, number),
      number,
      provider,
      accountId,
      resource: Target.resourceOf({ provider, accountId, id }),
      ...(cloudAccountId !== undefined && { cloudAccountId }),
      target: { id, aliases, kind, region, ...(name !== null && { name }), ...(zone !== null && { zone }) },
      monthlyCost,
      state: 'left_out',
      lost: [],
      notes: [],
      memory: {},
      misses: 0,
      steps: 0,
      log: [],
      expiresAt,
    }
  })
  const answers = await answersOf(targets, async (target) => await planOf(ctx, execution, target))
  const found = targets.map((target, index): Target.Info => {
    const answer = answers[index] ?? {}
    return { ...target, ...('unreachable' in answer ? { reason: answer.unreachable } : answer) }
  })
  return found.map((target) =>
    target.state === 'planned' ? { ...target, hash: Target.hashOf(execution, target) } : target,
  )
}

/** Of the stored targets: those of two interrupted attempts may together be more than those of each. */
async function leaveOutBeyondCaps(ctx: Context, { id, safetyControls, fleetSize }: Execution.Info): Promise<void> {
  const planned = (await Target.all(ctx, id)).filter(({ state }) => state === 'planned')
  for (const [number, reason] of beyondCaps(planned, safetyControls, fleetSize))
    await Target.move(ctx, Target.targetId(id, number), ['planned'], { state: 'left_out', reason, hash: undefined })
}

async function planOf(ctx: Context, execution: Execution.Info, info: Target.Info): Promise<Partial<Target.Info>> {
  const { parameters } = execution
  const { target } = info
  const answer = await reach(ctx, execution, info, async (action) => {
    const before = await action.readState(target)
    if (!before) return { unreachable: 'The resource does not exist any more.' }
    return { before, plan: await action.plan({ target, parameters, before }) }
  })
  if ('unreachable' in answer) return { reason: answer.unreachable }
  const { before, plan: made } = answer
  if (made === 'done already')
    return { before, reason: `Nothing is to be done: ${actions[execution.action].title} is done.` }
  if ('refusal' in made) return { before, reason: made.refusal }
  const guard = await protectedNow(ctx, execution, info)
  if (guard !== undefined) return { before, reason: guard }
  const { after, undo, lost, losesData, notes } = made
  const found = { before, after, undo, lost: [...lost], notes: [...notes] }
  return { state: 'planned', ...found, ...(losesData !== null && { losesData }) }
}
