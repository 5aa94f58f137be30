import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { Page, paged, Pagination } from '../effects/paged.ts'
import { command } from '../guard/command.ts'
import { byId } from '../kernel/name.ts'
import * as Execution from './execution.ts'
import { type Public, publicOf, Summary, summaryOf } from './shown.ts'
import * as Target from './target.ts'

export { approve, cancel, reject, rollback } from './decide.ts'
export { OfResource, ofResource } from './of-resource.ts'
export { personOf } from './person.ts'
export { request } from './request.ts'
export { sweep } from './sweep.ts'
export { statuses } from './execution.ts'
export { type ExecutionRequest, type RequestedExecution, RequestedResource } from './request-input.ts'
export { SafetyControls } from './safety.ts'
export { Public, PublicTarget, Summary } from './shown.ts'

const text = z.string().min(1).max(128)

const Filter = Page.extend({
  stage: z.enum(Execution.statuses).optional(),
  policyId: text.optional(),
  recommendationId: text.optional(),
})

export const List = z.object({ executions: z.array(Summary), pagination: Pagination })

async function listed(ctx: Context, input: z.output<typeof Filter>): Promise<z.infer<typeof List>> {
  const { stage, policyId, recommendationId } = input
  const where = {
    ...(stage !== undefined && { status: stage }),
    ...(policyId !== undefined && { policyId }),
    ...(recommendationId !== undefined && { recommendationId }),
  }
  const selection = { where, descending: true }
  const { items, pagination } = await paged(ctx.tables.policyExecutions, ctx.orgId, input, selection)
  const executions = await Promise.all(items.map(async (info) => summaryOf(info, await Target.all(ctx, info.id))))
  return { executions, pagination }
}

/** The newest first. */
export const list = command('executions.list', Filter, 'read:executions', listed)

/** Of one policy. */
export const ofPolicy = async (
  ctx: Context,
  policyId: string,
  page: z.output<typeof Page>,
): Promise<z.infer<typeof List>> => await listed(ctx, { ...page, policyId })

export const get = command(
  'executions.get',
  byId("The execution's id."),
  'read:executions',
  async (ctx, { id }): Promise<Public> => await publicOf(ctx, await Execution.load(ctx, id)),
)
