import * as z from 'zod'
import type { ActionStep } from '../../effects/acting.ts'
import type { Context } from '../../effects/context.ts'
import { firstOpen } from '../blackout.ts'
import * as Execution from '../execution.ts'
import { takeSlot } from '../slots.ts'
import * as Target from '../target.ts'
import { audited } from './audited.ts'
import { changing, haltOf } from './changing.ts'
import { drop, movedOf } from './check.ts'
import type { Again, TargetInput } from './input.ts'
import { countOf, mostMisses, pauseOf, slotPauseOf } from './pause.ts'
import { undoRefused } from './undo.ts'

const missSeconds = 10

/**
 * One step of one target: at most one change in the cloud. What is to be done is recorded before it is done, and what was
 * made after it, so that a repetition goes on where the last one ended.
 */
export async function act(ctx: Context, { executionId, number }: TargetInput): Promise<Again> {
  const execution = await Execution.load(ctx, executionId)
  const target = await Target.load(ctx, executionId, number)
  if (target.state === 'planned') return await begun(ctx, execution, target)
  if (target.state !== 'acting') return { next: 'end' }
  const asked = { execution, target, phase: 'acting' } as const
  const step = await changing(ctx, asked, async (action): Promise<ActionStep & { differences?: string[] }> => {
    const order = Target.orderOf(execution, target)
    const made = await action.act(order)
    if (made.state !== 'done') return made
    return { ...made, differences: [...(await action.verify({ ...order, memory: made.memory }))] }
  })
  if ('busySeconds' in step) return { next: 'again', seconds: step.busySeconds }
  if ('halted' in step) {
    await Target.move(ctx, target.id, ['acting'], { state: 'halted', reason: step.halted, line: step.halted })
    return { next: 'end' }
  }
  if ('unreachable' in step) return await failed(ctx, target, { reason: step.unreachable })
  await Target.move(ctx, target.id, ['acting'], { memory: step.memory })
  switch (step.state) {
    case 'refused':
      return await failed(ctx, target, { reason: step.message })
    case 'going on': {
      const seconds = pauseOf(target, step.waitSeconds, execution.targets)
      if (seconds === undefined) return await failed(ctx, target, { reason: `It does not end: ${step.says}` })
      await Target.move(ctx, target.id, ['acting'], { steps: target.steps + countOf(seconds), line: step.says })
      return { next: 'again', seconds }
    }
    case 'done':
      return await verified(ctx, target, step.differences ?? [])
    default:
      return step satisfies never
  }
}

/** Before the first change, which comes with the next call. */
async function begun(ctx: Context, execution: Execution.Info, target: Target.Info): Promise<Again> {
  const halt = (await haltOf(ctx, execution.id, 'acting')) ?? endOf(execution) ?? closedOf(execution, ctx.now())
  if (halt === undefined && !(await takeSlot(ctx, target))) {
    const seconds = slotPauseOf(target, execution.targets)
    if (seconds !== undefined) {
      await Target.move(ctx, target.id, ['planned'], { steps: target.steps + 1 })
      return { next: 'again', seconds }
    }
    await drop(
      ctx,
      target,
      `Too many resources of the account ${target.accountId} are being changed. Request it again.`,
    )
    return { next: 'end' }
  }
  const reason = halt ?? (await movedOf(ctx, execution, target))
  if (reason !== undefined) {
    await drop(ctx, target, reason)
    return { next: 'end' }
  }
  await audited(ctx, 'executions.act', target, async (traced) => {
    const begunAt = ctx.now().toISOString()
    await Target.move(traced, target.id, ['planned'], { state: 'acting', begunAt, steps: 0, line: 'Begun.' })
  })
  return { next: 'again', seconds: 0 }
}

async function verified(ctx: Context, target: Target.Info, differences: readonly string[]): Promise<Again> {
  const { executionId } = numbered(target)
  if (differences.length > 0 && target.misses < mostMisses) {
    const line = `Not as planned yet: ${differences.join(' ')}`
    await Target.move(ctx, target.id, ['acting'], { misses: target.misses + 1, line })
    return { next: 'again', seconds: missSeconds }
  }
  if (differences.length > 0)
    return await failed(ctx, target, {
      reason: `The verification failed: ${differences.join(' ')}`,
      isVerification: true,
    })
  // First: a repetition after a kill finds the target still acting.
  await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) =>
    info.breaker.failuresInARow === 0 ? undefined : { ...info, breaker: { ...info.breaker, failuresInARow: 0 } },
  )
  const endedAt = ctx.now().toISOString()
  await Target.move(ctx, target.id, ['acting'], { state: 'done', endedAt, line: 'Done, and verified.' })
  return { next: 'end' }
}

const numbered = ({ id, number }: Target.Info) => ({ executionId: Target.executionIdOf(id), number })

const mostInARow = 2

interface Failure {
  reason: string
  isVerification?: boolean
}

/** Counts it for the circuit breaker. */
async function failed(ctx: Context, target: Target.Info, { reason, isVerification = false }: Failure): Promise<Again> {
  const endedAt = ctx.now().toISOString()
  const line = `Failed: ${reason}`
  // First, and once: a repetition after a kill finds the target still acting.
  await ctx.tables.policyExecutions.update(ctx.orgId, numbered(target).executionId, (info) => {
    const { counted = [] } = info.breaker
    if (counted.includes(target.number)) return undefined
    const failuresInARow = info.breaker.failuresInARow + 1
    const isOpen = info.breaker.isOpen || isVerification || failuresInARow >= mostInARow
    const opened = isOpen && !info.breaker.isOpen
    const log = opened ? Execution.withLine(info.log, ctx.now(), 'The circuit breaker ends the execution.') : info.log
    return { ...info, breaker: { failuresInARow, isOpen, counted: [...counted, target.number] }, log }
  })
  await Target.move(ctx, target.id, ['acting'], { state: 'failed', reason, endedAt, line })
  return { next: 'end' }
}

/** A blackout window that began meanwhile. */
function closedOf({ safetyControls }: Execution.Info, now: Date): string | undefined {
  const open = firstOpen(safetyControls.blackoutWindows, now)
  return open && open <= now ? undefined : 'A blackout window has begun.'
}

/** Nothing more is begun, and what is begun goes on. */
function endOf({ cancelRequested, breaker }: Execution.Info): string | undefined {
  if (breaker.isOpen) return 'The circuit breaker ended the execution.'
  return cancelRequested && `It was canceled by ${cancelRequested.by}.`
}

export const FailedInput = z.object({
  executionId: z.string(),
  number: z.int(),
  error: z.object({ Error: z.string(), Cause: z.string() }),
})

/** A target whose cloud did not answer again and again. */
export async function giveUp(
  ctx: Context,
  { executionId, number, error }: z.output<typeof FailedInput>,
): Promise<void> {
  const target = await Target.load(ctx, executionId, number)
  const reason = `The cloud did not answer, or the step did not end (${error.Error}).`
  ctx.log.error('a target was given up', { executionId, number, error: error.Error, cause: error.Cause })
  if (target.state === 'planned') return await drop(ctx, target, reason)
  const { status } = await Execution.load(ctx, executionId)
  if (target.state === 'undoing' || (status === 'rolling_back' && Target.isReturnable(target)))
    return await undoRefused(ctx, target, reason)
  if (target.state === 'acting') await failed(ctx, target, { reason })
}
