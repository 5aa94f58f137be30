import { type Context, noOrganization } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import * as Anchors from '../guard/audit-anchors.ts'

/** Of all organizations; throws at the end if one failed. */
export async function run(ctx: Context, isOutOfTime: () => boolean): Promise<void> {
  const { organizationIndex } = ctx.tables
  let failed = 0
  for await (const { id: orgId } of walk((page) => organizationIndex.list(noOrganization, page))) {
    if (isOutOfTime()) return
    try {
      await Anchors.anchor({ ...ctx, orgId })
    } catch (error) {
      failed++
      ctx.log.error('an audit chain was not anchored', { orgId, error })
    }
  }
  if (failed > 0) throw new Error(`${failed} audit chains were not anchored: the log says why`)
}
