import type { Context } from '../../effects/context.ts'
import * as Target from '../target.ts'
import type { Again, TargetInput } from './input.ts'

/** The last step, which takes 45 s at most, ends within the task's time. */
const rowMs = 300_000

/**
 * Repeats a step at once while it needs no wait: a load balancer of a hundred rules is a hundred changes, each recorded
 * before the next. A row that ends by its time, or by a step that fails after others, is called again. It counts as one
 * step.
 */
export function inARow(step: (ctx: Context, input: TargetInput) => Promise<Again>): typeof step {
  return async (ctx, input) => {
    const until = ctx.now().getTime() + rowMs
    let again = await step(ctx, input)
    while (again.next === 'again' && again.seconds === 0) {
      if (ctx.now().getTime() >= until) return await rowEnded(ctx, input)
      try {
        again = await step(ctx, input)
      } catch (error) {
        // The workflow counts the failures of a call: it may fail again and again only in its first step.
        ctx.log.warn('a row of steps ends by a failure', { ...input, error })
        return await rowEnded(ctx, input)
      }
    }
    return again
  }
}

async function rowEnded(ctx: Context, { executionId, number }: TargetInput): Promise<Again> {
  const { steps } = await Target.load(ctx, executionId, number)
  await Target.move(ctx, Target.targetId(executionId, number), ['acting', 'undoing'], { steps: steps + 1 })
  return { next: 'again', seconds: 1 }
}
