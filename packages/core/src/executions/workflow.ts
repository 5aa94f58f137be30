import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'
import * as Execution from './execution.ts'

export const workflow = 'remediation'

/** Of the execution, or of its latest rollback. */
export const workflowName = ({ id, rollback }: Pick<Execution.Info, 'id' | 'rollback'>): string =>
  rollback ? `${id}-rollback-${rollback.number}` : id

/** Idempotent by the name of the workflow's execution. */
export async function begin(
  ctx: Context,
  { data: { executionId } }: { data: Event<'execution.requested' | 'rollback.requested'>['data'] },
): Promise<void> {
  const info = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
  if (!info || !Execution.isLive(info)) return
  const mode = info.rollback ? 'rollback' : 'execution'
  await ctx.runtime.workflows.start(workflow, workflowName(info), { orgId: ctx.orgId, executionId, mode })
}
