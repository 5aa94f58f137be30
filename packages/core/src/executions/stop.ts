import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { walk } from '../effects/tables.ts'
import { change } from '../guard/command.ts'
import * as Organization from '../organization/organization.ts'
import * as Execution from './execution.ts'
import { workflow, workflowName } from './workflow.ts'

export const Stopped = z.object({
  stopped: z.boolean(),
  executions: z.array(z.string()).describe('Those that were halted by this call.'),
})

/** Halts all executions of the organization. What is begun stays half-way: roll it back after `resume`. */
export const stop = change(
  'organization.stop',
  z.strictObject({ reason: z.string().min(1).max(2000) }),
  'stop:remediation',
  async (ctx, { reason }, note): Promise<z.infer<typeof Stopped>> => {
    // No step begins a change from now on.
    const stopped = { by: ctx.actor.id, at: ctx.now().toISOString(), reason }
    await Organization.edit(ctx, (found) => ({ stopped: found.stopped ?? stopped }))
    const live = (await Promise.all(Execution.liveStatuses.map(async (status) => await withStatus(ctx, status)))).flat()
    const executions = (await Promise.all(live.map(async (info) => await halted(ctx, info, reason)))).flat()
    note({ resourceType: 'organization', resourceId: ctx.orgId, after: { stopped, executions } })
    return { stopped: true, executions }
  },
)

async function withStatus({ tables, orgId }: Context, status: Execution.Status): Promise<Execution.Info[]> {
  return await Array.fromAsync(walk((page) => tables.policyExecutions.byStatus(orgId, status, page)))
}

async function halted(ctx: Context, info: Execution.Info, reason: string): Promise<string[]> {
  const outcome = `Stopped by ${ctx.actor.id}, with all executions: ${reason}`
  const moved = await Execution.move(ctx, info.id, Execution.liveStatuses, {
    status: 'stopped',
    endedAt: ctx.now().toISOString(),
    outcome,
    line: outcome,
    events: [event(ctx, 'execution.ended', { executionId: info.id, status: 'stopped' })],
  })
  await ctx.runtime.workflows.stop(workflow, workflowName(info), reason)
  return moved ? [info.id] : []
}

export const resume = change('organization.resume', z.strictObject({}), 'write:settings', async (ctx, _, note) => {
  const { before } = await Organization.edit(ctx, () => ({ stopped: undefined }))
  note({ resourceType: 'organization', resourceId: ctx.orgId, before: { stopped: before.stopped ?? null }, after: {} })
  return { stopped: false, executions: [] } satisfies z.infer<typeof Stopped>
})
