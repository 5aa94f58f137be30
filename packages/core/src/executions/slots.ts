import type { Context } from '../effects/context.ts'
import * as Target from './target.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** By the id of the cloud account: the ids of targets that are changed, and of some that were. */
    executionSlots: Table<{ id: string; held: string[] }>
  }
}

/** Resources of one account that all executions together change at once. */
export const mostAtOnce = 10

/** Whether the target may be changed now. Nothing is given back: who has ended is found by its state. */
export async function takeSlot(ctx: Context, { id, cloudAccountId = '' }: Target.Info): Promise<boolean> {
  const { after } = await ctx.tables.executionSlots.upsert(ctx.orgId, cloudAccountId, async (found) => {
    const held = found?.held ?? []
    if (held.includes(id)) return undefined
    if (held.length < mostAtOnce) return { id: cloudAccountId, held: [...held, id] }
    const isHeld = await Promise.all(held.map(async (one) => await isChanging(ctx, one)))
    const left = held.filter((_, index) => isHeld[index])
    return left.length < mostAtOnce ? { id: cloudAccountId, held: [...left, id] } : undefined
  })
  return after?.held.includes(id) === true
}

async function isChanging(ctx: Context, targetId: string): Promise<boolean> {
  const [target, execution] = await Promise.all([
    ctx.tables.executionTargets.get(ctx.orgId, targetId),
    ctx.tables.policyExecutions.get(ctx.orgId, Target.executionIdOf(targetId)),
  ])
  const isBegun = target?.state === 'planned' || target?.state === 'acting'
  return isBegun && execution?.status === 'executing'
}
