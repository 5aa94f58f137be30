import { actions } from '../actions/actions.ts'
import type { Context } from '../effects/context.ts'
import type { ActionName } from '../kernel/action.ts'
import * as Dismissals from '../recommendations/dismissals.ts'
import { type Info as Recommendation, prefixOf } from '../recommendations/recommendation.ts'
import { activeOnes } from '../recommendations/recommendations.ts'
import { subjectsOf } from '../recommendations/subjects.ts'
import * as View from '../resources/resource-view.ts'
import type { Subject } from '../rules/index.ts'
import { conditionsIn, type Node } from './conditions.ts'
import { fieldOf, type Origin } from './fields.ts'

/** A resource that the action can change, with the recommendations on it. */
export interface Member {
  subject: Subject
  recommendations: readonly Recommendation[]
}

export interface Fleet {
  members: Member[]
  /** All resources of the action's clouds and kinds, also where `ids` names some of them. */
  size: number
}

/** Reads only what the conditions ask for. `ids`: of these resources only, in lower case. */
export async function fleetOf(
  ctx: Context,
  action: ActionName,
  conditions: readonly Node[],
  ids?: readonly string[],
): Promise<Fleet> {
  const { kinds, clouds } = actions[action]
  const origins = new Set(conditionsIn(conditions).map(({ field }): Origin | undefined => fieldOf(field)?.from))
  const [{ subjects }, recommendations, counts] = await Promise.all([
    subjectsOf(ctx, {
      kinds,
      ...(ids && { ids }),
      history: origins.has('history'),
      utilization: origins.has('utilization'),
    }),
    origins.has('recommendation') ? adviceOf(ctx) : new Map<string, Recommendation[]>(),
    ids ? Promise.all(clouds.map(async (provider) => await countOf(ctx, { kinds, provider }))) : [],
  ])
  const members = subjects
    .filter(({ cloud, status }) => clouds.includes(cloud) && status !== 'terminated')
    .map((subject) => ({ subject, recommendations: recommendations.get(prefixOf(ctx.orgId, subject)) ?? [] }))
  return { members, size: ids ? counts.reduce((all, count) => all + count, 0) : members.length }
}

async function countOf(ctx: Context, filter: Parameters<typeof View.resourcesOf>[1]): Promise<number> {
  return (await View.resourcesOf(ctx, filter, { limit: 1, offset: 0 })).total
}

/** By the beginning of their ids, which is that of their resource. */
async function adviceOf(ctx: Context): Promise<Map<string, Recommendation[]>> {
  const [rows, dismissals] = await Promise.all([activeOnes(ctx), Dismissals.held(ctx)])
  const held = rows.filter((row) => Dismissals.covering(dismissals, Dismissals.advised(row)).length === 0)
  return Map.groupBy(held, ({ cloud, accountId, resources: [first] }) =>
    prefixOf(ctx.orgId, { cloud, accountId, id: first?.id ?? '' }),
  )
}
