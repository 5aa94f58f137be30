import { isDeepStrictEqual } from 'node:util'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import * as Organization from '../../organization/organization.ts'
import { firstOpen } from '../blackout.ts'
import { claim } from '../claims.ts'
import * as Execution from '../execution.ts'
import { protectedNow } from '../protection.ts'
import { reach } from '../reach.ts'
import * as Target from '../target.ts'
import { answersOf } from './each-account.ts'
import type { Input, TargetInput } from './input.ts'

export type Next = { next: 'wait'; at: string } | { next: 'act'; targets: TargetInput[] } | { next: 'end' }

/**
 * Before the first change: waits for its time, holds the frozen plan against the approvals, and reads each state and
 * its tags again. A target that moved, that a tag protects, or that another execution has, is dropped and named.
 */
export async function check(ctx: Context, { executionId }: Input): Promise<Next> {
  const execution = await Execution.load(ctx, executionId)
  if (execution.status !== 'waiting' && execution.status !== 'executing') return { next: 'end' }
  const { stopped } = await Organization.load(ctx)
  if (stopped) return await end(ctx, execution, 'stopped', `Executions are stopped: ${stopped.reason}`)
  const at = startOf(execution, ctx.now())
  if (!at) return await end(ctx, execution, 'failed', 'The blackout windows leave no time for it.')
  if (at > ctx.now()) return { next: 'wait', at: at.toISOString() }
  const targets = await Target.all(ctx, executionId)
  const planned = targets.filter(({ hash }) => hash !== undefined)
  const complaint = complaintOf(execution, planned)
  if (complaint !== undefined) return await end(ctx, execution, 'failed', complaint)
  const startedAt = execution.startedAt ?? ctx.now().toISOString()
  const line = 'The plan is as approved. The states are read again.'
  await Execution.move(ctx, executionId, ['waiting'], { status: 'executing', startedAt, line })
  const left = planned.filter(({ state }) => state === 'planned')
  const answers = await answersOf(left, async (target) => ({ moved: await movedOf(ctx, execution, target) }))
  for (const [index, target] of left.entries()) {
    const answer = answers[index] ?? { moved: undefined }
    const reason = 'unreachable' in answer ? answer.unreachable : answer.moved
    if (reason !== undefined) await drop(ctx, target, reason)
  }
  const numbers = planned.map(({ number }) => ({ executionId, number }))
  return { next: 'act', targets: numbers }
}

function startOf({ scheduledFor, safetyControls }: Execution.Info, now: Date): Date | undefined {
  const due = scheduledFor === undefined ? now : new Date(Math.max(now.getTime(), Date.parse(scheduledFor)))
  return firstOpen(safetyControls.blackoutWindows, due)
}

/** Why the plan is not what was approved. */
function complaintOf(execution: Execution.Info, planned: readonly Target.Info[]): string | undefined {
  const { planHash, approvals, approvalsNeeded } = execution
  const isAsFrozen = planned.every((target) => target.hash === Target.hashOf(execution, target))
  if (!isAsFrozen || Target.planHashOf(planned.map(({ hash = '' }) => hash)) !== planHash)
    return 'The stored plan is not the one that was frozen. Nothing was changed; request it again.'
  const approved = new Set(approvals.filter((one) => one.planHash === planHash).map(({ by }) => by))
  if (approved.size >= approvalsNeeded) return undefined
  return `It has ${approved.size} of ${approvalsNeeded} approvals for this plan. Nothing was changed; request it again.`
}

/** Why a target cannot be changed any more as it was planned. */
export async function movedOf(ctx: Context, execution: Execution.Info, info: Target.Info): Promise<string | undefined> {
  const other = await claim(ctx, execution.id, info)
  if (other !== undefined) return `The execution ${other} is changing this resource.`
  const now = await reach(ctx, execution, info, async (action) => ({ state: await action.readState(info.target) }))
  if ('unreachable' in now) return now.unreachable
  if (!now.state) return 'The resource does not exist any more.'
  if (isDeepStrictEqual(now.state, info.before)) return await protectedNow(ctx, execution, info)
  const fields = Object.keys({ ...info.before, ...now.state }).filter(
    (field) => !isDeepStrictEqual(now.state?.[field], info.before?.[field]),
  )
  return `It has changed since the plan: ${fields.join(', ')}.`
}

export async function drop(ctx: Context, { id }: Target.Info, reason: string): Promise<void> {
  await Target.move(ctx, id, ['planned'], { state: 'dropped', reason, line: `Dropped: ${reason}` })
}

async function end(ctx: Context, { id }: Execution.Info, status: 'stopped' | 'failed', outcome: string): Promise<Next> {
  await Execution.move(ctx, id, ['waiting', 'executing'], {
    status,
    outcome,
    endedAt: ctx.now().toISOString(),
    line: outcome,
    events: [event(ctx, 'execution.ended', { executionId: id, status }, `evt_${id}_end`)],
  })
  return { next: 'end' }
}
