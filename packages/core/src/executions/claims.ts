import { createHash } from 'node:crypto'
import type { Context } from '../effects/context.ts'
import { onConflict } from '../kernel/fault.ts'
import { isLive } from './execution.ts'
import { type Info as Target, resourceOf } from './target.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** The one execution that may change a resource. */
    executionClaims: Table<{ id: string; executionId: string }>
  }
}

type Claimed = Pick<Target, 'provider' | 'accountId' | 'target'>

const idOf = ({ provider, accountId, target }: Claimed): string =>
  createHash('sha256')
    .update(resourceOf({ provider, accountId, id: target.id }))
    .digest('hex')
    .slice(0, 40)

/** The execution that has the resource, if it is another one that has not ended. */
export async function claim(ctx: Context, executionId: string, resource: Claimed): Promise<string | undefined> {
  const id = idOf(resource)
  const { after } = await ctx.tables.executionClaims.upsert(ctx.orgId, id, async (held) => {
    if (held?.executionId === executionId) return undefined
    const holder = held && (await ctx.tables.policyExecutions.get(ctx.orgId, held.executionId))
    return holder && isLive(holder) ? undefined : { id, executionId }
  })
  return after?.executionId === executionId ? undefined : after?.executionId
}

export async function release(ctx: Context, executionId: string, resources: readonly Claimed[]): Promise<void> {
  for (const resource of resources)
    await onConflict(ctx.tables.executionClaims.remove(ctx.orgId, idOf(resource), [], { executionId }), () => undefined)
}
