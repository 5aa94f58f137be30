import type { Context } from '../../effects/context.ts'
import * as Audit from '../../guard/audit.ts'
import type * as Target from '../target.ts'

/** The audit entry of an act or an undo that begins, with the states before and after. */
export async function audited(
  ctx: Context,
  action: 'executions.act' | 'executions.undo',
  { id, target, before, after }: Target.Info,
  begin: (ctx: Context) => Promise<void>,
): Promise<void> {
  const [earlier, later] = action === 'executions.act' ? [before, after ?? undefined] : [after ?? undefined, before]
  const about = { resourceType: 'resource', resourceId: target.id, before: earlier, after: later, detail: id }
  await Audit.around(ctx, action, async (traced) => await begin(traced), about)
}
