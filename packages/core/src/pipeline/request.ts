import type { Context } from '../effects/context.ts'

/** `costs`: anomalies and the forecast. `resources`: recommendations. */
export const analyses = ['costs', 'resources'] as const
export type Analysis = (typeof analyses)[number]

/** Sends the message that analyzes the newest costs or resources. */
export async function request(ctx: Context, of: Analysis, delaySeconds = 2): Promise<void> {
  const ticket = ctx.newId('ana')
  await ctx.runtime.queues.send('ml', { of, ticket }, { orgId: ctx.orgId, delaySeconds, deduplicationId: ticket })
}

/** The messages of all analyses. */
export async function requestAll(ctx: Context): Promise<void> {
  for (const of of analyses) await request(ctx, of)
}
