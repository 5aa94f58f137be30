import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import { timeText } from '../../kernel/calendar.ts'
import { onConflict } from '../../kernel/fault.ts'
import type { Event } from '../../kernel/event.ts'
import * as Execution from '../execution.ts'
import { Input } from './input.ts'

export const AskInput = Input.extend({ token: z.string() })

/** Keeps the token that ends the wait. A decision that came before ends it at once. */
export async function ask(ctx: Context, { executionId, token }: z.output<typeof AskInput>): Promise<void> {
  const { after } = await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) =>
    info.token === token ? undefined : { ...info, token },
  )
  if (after.status !== 'awaiting_approval') await answer(ctx, token)
}

/** Goes on with an execution of which the approval is decided. A wait that has ended looks at the decision itself. */
export async function goOn(ctx: Context, { data }: { data: Event<'execution.decided'>['data'] }): Promise<void> {
  const execution = await ctx.tables.policyExecutions.get(ctx.orgId, data.executionId)
  if (execution?.token !== undefined && execution.status !== 'awaiting_approval') await answer(ctx, execution.token)
}

async function answer(ctx: Context, token: string): Promise<void> {
  await onConflict(ctx.runtime.workflows.succeed(token, {}), () => undefined)
}

/** A day without a decision: the approvers are asked again, or the execution expires. */
export async function remind(ctx: Context, { executionId }: Input): Promise<{ next: 'ask' | 'check' | 'end' }> {
  const { status, approveBy = '' } = await Execution.load(ctx, executionId)
  if (status === 'waiting') return { next: 'check' }
  if (status !== 'awaiting_approval') return { next: 'end' }
  if (ctx.now().toISOString() < approveBy) {
    const line = 'The approvers are asked again.'
    const events = [event(ctx, 'approval.requested', { executionId })]
    const asked = await Execution.move(ctx, executionId, ['awaiting_approval'], { line, events })
    return { next: asked ? 'ask' : 'check' }
  }
  const outcome = `Nobody decided until ${timeText(approveBy)}: it expired. Request it again if it is still wanted.`
  const expired = await Execution.move(ctx, executionId, ['awaiting_approval'], {
    status: 'expired',
    endedAt: ctx.now().toISOString(),
    outcome,
    line: outcome,
    events: [event(ctx, 'execution.ended', { executionId, status: 'expired' }, `evt_${executionId}_end`)],
  })
  return { next: expired ? 'end' : 'check' }
}
