import type { Context } from '../effects/context.ts'

/** Sets or removes the timer of a policy, as the policy says now. Idempotent. */
export async function setTimer(ctx: Context, policyId: string): Promise<void> {
  const policy = await ctx.tables.policies.get(ctx.orgId, policyId)
  const timing = policy?.enabled && policy.trigger.type === 'schedule' ? policy.trigger.timing : undefined
  if (timing) await ctx.runtime.timers.put(ctx.orgId, { id: policyId, timing })
  else await ctx.runtime.timers.remove(ctx.orgId, policyId)
}

/** Mends what a lost call left. */
export async function setTimers(ctx: Context): Promise<void> {
  for (const { id, trigger } of await ctx.tables.policies.all(ctx.orgId))
    if (trigger.type === 'schedule') await setTimer(ctx, id)
}
