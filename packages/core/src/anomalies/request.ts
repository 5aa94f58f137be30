import type { Context } from '../effects/context.ts'

/** Sends the message that analyzes the newest costs. */
export async function request(ctx: Context, delaySeconds = 2): Promise<void> {
  const ticket = ctx.newId('ana')
  await ctx.runtime.queues.send('ml', { ticket }, { orgId: ctx.orgId, delaySeconds, deduplicationId: ticket })
}
