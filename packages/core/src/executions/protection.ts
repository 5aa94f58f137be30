import type { Context } from '../effects/context.ts'
import { guardOf } from '../resources/protection.ts'
import type { Info as Execution } from './execution.ts'
import { tagsNow } from './reach.ts'
import type { Info as Target } from './target.ts'

/** Why the tags of a resource in its cloud keep the product away. Tags that cannot be read do as well. */
export async function protectedNow(ctx: Context, execution: Execution, target: Target): Promise<string | undefined> {
  const found = await tagsNow(ctx, execution, target)
  if ('unreachable' in found) return `Its tags cannot be read, and may protect it. ${found.unreachable}`
  const guard = guardOf(target.provider, found.tags, execution.safetyControls.protectedTags)
  return guard && `It is protected by its tag ${guard.key} = ${guard.actual}.`
}
