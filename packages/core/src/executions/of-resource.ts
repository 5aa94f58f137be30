import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { actionNames } from '../kernel/action.ts'
import { statuses } from './execution.ts'
import * as Target from './target.ts'

/** An execution as its resource shows it. */
export const OfResource = z.object({
  id: z.string(),
  action: z.enum(actionNames),
  stage: z.enum(statuses),
  at: z.string().describe('When it was requested.'),
})
export type OfResource = z.infer<typeof OfResource>

const mostShown = 20

/** The newest executions whose plan has the resource, 20 at most; those that left it out are not among them. */
export async function ofResource({ tables, orgId }: Context, named: Target.Named): Promise<OfResource[]> {
  const { items } = await tables.executionTargets.select(orgId, {
    where: { resource: Target.resourceOf(named) },
    unless: { state: 'left_out' },
    descending: true,
    limit: mostShown,
  })
  const found = await Promise.all(
    items.map(async ({ id }) => await tables.policyExecutions.get(orgId, Target.executionIdOf(id))),
  )
  // An execution and its targets expire one by one.
  return found.flatMap((info) =>
    info ? [{ id: info.id, action: info.action, stage: info.status, at: info.requestedAt }] : [],
  )
}
