import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import * as Execution from '../execution.ts'
import * as Target from '../target.ts'
import { Input } from './input.ts'

export const InterruptInput = Input.extend({ error: z.object({ Error: z.string(), Cause: z.string() }) })

/** A step that failed again and again. What is done stays; `rollback` takes it back. */
export async function interrupt(ctx: Context, { executionId, error }: z.output<typeof InterruptInput>): Promise<void> {
  ctx.log.error('an execution was interrupted', { executionId, error: error.Error, cause: error.Cause })
  const begun = (await Target.all(ctx, executionId)).some(Target.isReturnable)
  const advice = begun ? 'Roll it back, or look at its resources.' : 'Nothing was changed. Request it again.'
  const outcome = `A step failed again and again (${error.Error}). ${advice}`
  await Execution.move(ctx, executionId, Execution.liveStatuses, {
    status: 'failed',
    endedAt: ctx.now().toISOString(),
    outcome,
    line: outcome,
    events: [event(ctx, 'execution.ended', { executionId, status: 'failed' }, `evt_${executionId}_end`)],
  })
}
