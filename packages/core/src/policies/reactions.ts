import type { Context } from '../effects/context.ts'
import type { Event, triggerEvents } from '../kernel/event.ts'
import { put, type Wake } from './gathering.ts'

type TriggerEvent = (typeof triggerEvents)[number]

type Concerned = Pick<Wake, 'resourceIds' | 'inventory'>

const only = (ids: readonly string[]): Concerned => ({ resourceIds: ids.map((id) => id.toLowerCase()) })

/** The resources that an event is about. */
const concernedOf: { [Name in TriggerEvent]: (ctx: Context, data: Event<Name>['data']) => Promise<Concerned> } = {
  'anomaly.detected': async (ctx, { anomalyId }) =>
    only((await ctx.tables.anomalies.get(ctx.orgId, anomalyId))?.rootCause.affectedResources ?? []),
  'recommendation.found': async (ctx, { recommendationId }) => {
    const found = await ctx.tables.recommendations.get(ctx.orgId, recommendationId)
    return only(found?.resources.slice(0, 1).map(({ id }) => id) ?? [])
  },
  'resource.changed': async (_, { resources, counts, provider, accountId, takenAt }) => {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
    const isCut = all > resources.length && takenAt !== undefined
    return { ...only(resources.map(({ id }) => id)), ...(isCut && { inventory: { provider, accountId, takenAt } }) }
  },
}

/** Wakes the policies that wait for the event, for its resources only. */
export async function react<Name extends TriggerEvent>(
  ctx: Context,
  event: Pick<Event<Name>, 'id' | 'name' | 'data'>,
): Promise<void> {
  const policies = await ctx.tables.policies.all(ctx.orgId)
  const waiting = policies.filter(
    ({ enabled, trigger }) => enabled && trigger.type === 'event' && trigger.event === event.name,
  )
  if (waiting.length === 0) return
  const concerned = await concernedOf[event.name](ctx, event.data)
  if (concerned.resourceIds?.length === 0 && !concerned.inventory) return
  const trigger = { type: 'event', name: event.name, eventId: event.id } as const
  for (const { id } of waiting) await put(ctx, id, event.id, { trigger, ...concerned })
}

/** Wakes the policy whose threshold was crossed. */
export async function crossed(ctx: Context, { data }: Pick<Event<'threshold.crossed'>, 'data'>): Promise<void> {
  const { policyId, ...trigger } = data
  await put(ctx, policyId, `threshold/${trigger.at}`, { trigger: { type: 'threshold', ...trigger } })
}
