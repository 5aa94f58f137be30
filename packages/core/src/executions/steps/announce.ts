import * as z from 'zod'
import * as Source from '../../collect/source.ts'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import { release } from '../claims.ts'
import * as Execution from '../execution.ts'
import * as Target from '../target.ts'
import { Input } from './input.ts'

/** Of which workflow it is the end. */
export const Ending = Input.extend({ mode: z.enum(['execution', 'rollback']) })
type Ending = z.output<typeof Ending>

/** Records how it ended, frees its resources, and has their accounts collected again. */
export async function announce(ctx: Context, { executionId, mode }: Ending): Promise<{ next: 'measure' | 'end' }> {
  const execution = await Execution.load(ctx, executionId)
  // A rollback that was asked for meanwhile has a workflow of its own, which ends it.
  if (mode === 'execution' && execution.rollback) return { next: 'end' }
  const targets = await Target.all(ctx, executionId)
  if (execution.status === 'executing' || execution.status === 'rolling_back') {
    const { status, outcome } = outcomeOf(execution, targets)
    const eventId = `evt_${executionId}_${execution.rollback ? 'back' : 'end'}`
    await Execution.move(ctx, executionId, ['executing', 'rolling_back'], {
      status,
      outcome,
      endedAt: ctx.now().toISOString(),
      line: outcome,
      events: [event(ctx, 'execution.ended', { executionId, status }, eventId)],
    })
  }
  await release(ctx, executionId, targets)
  const changed = new Set(
    targets.flatMap(({ begunAt, cloudAccountId }) => (begunAt !== undefined && cloudAccountId ? [cloudAccountId] : [])),
  )
  for (const id of changed) await collectAgain(ctx, id)
  const isMeasured = targets.some(({ state }) => state === 'done') && execution.rollback === undefined
  return { next: isMeasured ? 'measure' : 'end' }
}

async function collectAgain(ctx: Context, cloudAccountId: string): Promise<void> {
  const sourceId = Source.idOf(cloudAccountId, 'inventory')
  if (await ctx.tables.sources.get(ctx.orgId, sourceId)) await Source.request(ctx, sourceId, Source.isFree)
}

export function outcomeOf(
  { rollback, breaker }: Pick<Execution.Info, 'rollback' | 'breaker'>,
  targets: readonly Pick<Target.Info, 'state' | 'undo'>[],
): { status: Execution.Status; outcome: string } {
  const count = (...states: Target.State[]) => targets.filter(({ state }) => states.includes(state)).length
  const [done, restored] = [count('done'), count('restored')]
  const [failed, stuck] = [count('failed', 'halted', 'acting'), count('undo_failed', 'undoing')]
  const dropped = count('dropped', 'planned')
  const parts = [
    `${done} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(restored > 0 ? [`${restored} taken back`] : []),
    ...(stuck > 0 ? [`${stuck} could not be taken back`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ]
  const says = (text: string) => `${text} Resources: ${parts.join(', ')}.`
  if (stuck > 0) return { status: 'failed', outcome: says('A rollback failed: look at these resources now.') }
  if (rollback && targets.some(Target.isReturnable))
    return { status: 'failed', outcome: says('The rollback was interrupted: roll back again.') }
  if (rollback) return { status: 'rolled_back', outcome: says(`Rolled back by ${rollback.by}.`) }
  if (breaker.isOpen) {
    const isBack = done === 0 && restored > 0
    return {
      status: isBack ? 'rolled_back' : 'failed',
      outcome: says(isBack ? 'The circuit breaker rolled it back.' : 'The circuit breaker ended it.'),
    }
  }
  if (failed + restored + dropped === 0) return { status: 'succeeded', outcome: says('Done and verified.') }
  return done > 0
    ? { status: 'partial', outcome: says('A part is done and verified.') }
    : { status: 'failed', outcome: says('Nothing is changed.') }
}
