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
  const execution = await Execution.load(ctx, executionId)
  await interruptAs(ctx, execution, `A step failed again and again (${error.Error}).`)
}

/** Ends an execution, unless it has ended, or a rollback was asked for that `seen` does not have. */
export async function interruptAs(ctx: Context, seen: Execution.Info, why: string): Promise<void> {
  const { id, rollback } = seen
  const begun = (await Target.all(ctx, id)).some(Target.isReturnable)
  const advice = begun ? 'Roll it back, or look at its resources.' : 'Nothing was changed. Request it again.'
  const outcome = `${why} ${advice}`
  const ended = event(ctx, 'execution.ended', { executionId: id, status: 'failed' }, `evt_${id}_${endOf(seen)}`)
  await ctx.tables.policyExecutions.update(
    ctx.orgId,
    id,
    (info) => {
      if (!Execution.isLive(info) || info.rollback?.number !== rollback?.number) return undefined
      const log = Execution.withLine(info.log, ctx.now(), outcome)
      return { ...info, status: 'failed', endedAt: ctx.now().toISOString(), outcome, log }
    },
    [ended],
  )
}

const endOf = ({ rollback }: Execution.Info) => (rollback ? `back_${rollback.number}` : 'end')
