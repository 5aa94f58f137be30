import type { Context } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import * as Execution from './execution.ts'
import { interruptAs } from './steps/interrupt.ts'
import { workflow, workflowName } from './workflow.ts'

/** Between a request and the start of its workflow lies an event that may come late. */
const startMs = 3_600_000

/** Ends live executions whose workflow has ended without them: it failed, was aborted, or its time was over. */
export async function sweep(ctx: Context): Promise<void> {
  for (const status of Execution.liveStatuses)
    for await (const info of walk((page) => ctx.tables.policyExecutions.byStatus(ctx.orgId, status, page)))
      await mended(ctx, info)
}

/** The execution as it is: it has ended if its workflow, or that of its rollback, has. */
export async function mended(ctx: Context, info: Execution.Info): Promise<Execution.Info> {
  if (!Execution.isLive(info)) return info
  const found = await ctx.runtime.workflows.describe(workflow, workflowName(info))
  if (found?.status === 'running') return info
  const begunAt = Date.parse(info.rollback?.at ?? info.requestedAt)
  if (!found && ctx.now().getTime() - begunAt < startMs) return info
  const why = found ? `${found.status}${found.error === undefined ? '' : `: ${found.error}`}` : 'it never began'
  await interruptAs(ctx, info, `Its workflow is gone (${why.slice(0, 500)}).`)
  return await Execution.load(ctx, info.id)
}
