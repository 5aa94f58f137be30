import { isDeepStrictEqual } from 'node:util'
import { actions } from '../../actions/actions.ts'
import type { ActionState, ActionStep } from '../../effects/acting.ts'
import type { Context } from '../../effects/context.ts'
import * as Organization from '../../organization/organization.ts'
import { claim } from '../claims.ts'
import * as Execution from '../execution.ts'
import { reach, type Unreachable } from '../reach.ts'
import * as Target from '../target.ts'
import { audited } from './audited.ts'
import { busySecondsOf, changing } from './changing.ts'
import type { Again, Input, TargetInput } from './input.ts'
import { countOf, pauseOf } from './pause.ts'

type Undone = ActionStep & { now?: ActionState; restoredId?: string }

/** The targets to take back: those that failed, and all that are done if the execution ends with a rollback. */
export async function settle(ctx: Context, { executionId }: Input): Promise<{ targets: TargetInput[] }> {
  const execution = await Execution.load(ctx, executionId)
  if (!(await mayUndo(ctx, execution))) return { targets: [] }
  const { rollbackEnabled } = execution.safetyControls
  const targets = await Target.all(ctx, executionId)
  const isWhole = execution.breaker.isOpen
  // A repetition finds the execution rolling back already, and answers the same.
  const wanted = targets.filter((target) => {
    if (!Target.isReturnable(target)) return false
    if (target.state === 'undoing' || execution.rollback) return true
    return rollbackEnabled && (isWhole || target.state === 'failed')
  })
  if (wanted.length === 0) return { targets: [] }
  const line = `${wanted.length} resources are taken back, the last one first.`
  await Execution.move(ctx, executionId, ['executing'], { status: 'rolling_back', line })
  return { targets: wanted.toReversed().map(({ number }) => ({ executionId, number })) }
}

async function mayUndo(ctx: Context, { status }: Execution.Info): Promise<boolean> {
  const { stopped } = await Organization.load(ctx)
  return !stopped && (status === 'executing' || status === 'rolling_back')
}

const returnable = ['acting', 'done', 'failed', 'halted', 'undo_failed'] as const

/** One step back of one target. */
export async function undo(ctx: Context, { executionId, number }: TargetInput): Promise<Again> {
  const execution = await Execution.load(ctx, executionId)
  const target = await Target.load(ctx, executionId, number)
  if (!(await mayUndo(ctx, execution))) return { next: 'end' }
  if (target.state !== 'undoing' && Target.isReturnable(target)) {
    // A call of the act may still arrive.
    const seconds = busySecondsOf(target, ctx.now())
    if (seconds > 0) return { next: 'again', seconds }
    const other = await claim(ctx, executionId, target)
    const reason =
      other === undefined
        ? await movedSince(ctx, execution, target)
        : `The execution ${other} is changing this resource. Roll back again when it has ended.`
    if (reason !== undefined) {
      await undoRefused(ctx, target, reason)
      return { next: 'end' }
    }
    await audited(ctx, 'executions.undo', target, async (traced) => {
      const begun = { state: 'undoing', isAsDone: false, undoBegunAt: ctx.now().toISOString() } as const
      await Target.move(traced, target.id, returnable, { ...begun, misses: 0, steps: 0, line: 'It is taken back.' })
    })
    return { next: 'again', seconds: 0 }
  }
  if (target.state !== 'undoing') return { next: 'end' }
  const asked = { execution, target, phase: 'undoing' } as const
  const step = await changing(ctx, asked, async (action): Promise<Undone> => {
    const order = Target.orderOf(execution, target)
    const made = await action.undo(order)
    if (made.state !== 'done') return made
    const restored = action.restored?.({ ...order, memory: made.memory }) ?? order.target
    const now = await action.readState(restored)
    return { ...made, ...(now && { now }), ...(restored.id !== order.target.id && { restoredId: restored.id }) }
  })
  if ('busySeconds' in step) return { next: 'again', seconds: step.busySeconds }
  return 'halted' in step ? { next: 'end' } : await undone(ctx, { execution, target }, step)
}

/** The undo does not begin, or does not go on. */
export async function undoRefused(ctx: Context, target: Target.Info, reason: string): Promise<void> {
  const refused = { state: 'undo_failed', isAsDone: isAsDone(target), reason, line: reason } as const
  await Target.move(ctx, target.id, [...returnable, 'undoing'], refused)
}

/** The act was verified, and nothing of it is taken back. */
const isAsDone = ({ state, isAsDone: wasDone = false }: Target.Info): boolean => state === 'done' || wasDone

/** What somebody else has changed since the act: an undo would take that back too. */
async function movedSince(ctx: Context, execution: Execution.Info, info: Target.Info): Promise<string | undefined> {
  const { after } = info
  if (!isAsDone(info) || !after || actions[execution.action].sparesOthers) return undefined
  const now = await reach(ctx, execution, info, async (action) => ({ state: await action.readState(info.target) }))
  if ('unreachable' in now) return now.unreachable
  const changed = Object.keys(after).filter((field) => !isDeepStrictEqual(now.state?.[field], after[field]))
  if (changed.length === 0) return undefined
  return `It has changed since it was done: ${changed.join(', ')}. Look at it, and change it by hand.`
}

interface Undoing {
  execution: Execution.Info
  target: Target.Info
}

async function undone(ctx: Context, { execution, target }: Undoing, step: Undone | Unreachable): Promise<Again> {
  if ('unreachable' in step) return await undoFailed(ctx, target, step.unreachable)
  await Target.move(ctx, target.id, ['undoing'], { memory: step.memory })
  switch (step.state) {
    case 'refused':
      return await undoFailed(ctx, target, step.message)
    case 'going on': {
      const seconds = pauseOf(target, step.waitSeconds, execution.targets)
      if (seconds === undefined) return await undoFailed(ctx, target, `It does not end: ${step.says}`)
      await Target.move(ctx, target.id, ['undoing'], { steps: target.steps + countOf(seconds), line: step.says })
      return { next: 'again', seconds }
    }
    case 'done': {
      const notRestored = differencesOf(target.before ?? {}, step.now)
      const line = notRestored.length === 0 ? 'It is as before.' : `It is back, except: ${notRestored.join('; ')}.`
      await Target.move(ctx, target.id, ['undoing'], {
        state: 'restored',
        undoneAt: ctx.now().toISOString(),
        notRestored,
        ...(step.restoredId !== undefined && { restoredId: step.restoredId }),
        line,
      })
      return { next: 'end' }
    }
    default:
      return step satisfies never
  }
}

function differencesOf(before: ActionState, now: ActionState | undefined): string[] {
  if (!now) return ['it does not exist']
  return Object.keys({ ...before, ...now })
    .filter((field) => !isDeepStrictEqual(before[field], now[field]))
    .map((field) => `${field} was ${JSON.stringify(before[field] ?? null)}, is ${JSON.stringify(now[field] ?? null)}`)
}

async function undoFailed(ctx: Context, { id }: Target.Info, reason: string): Promise<Again> {
  await Target.move(ctx, id, ['undoing'], { state: 'undo_failed', reason, line: `It is not taken back: ${reason}` })
  return { next: 'end' }
}
