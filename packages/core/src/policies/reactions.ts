import type { Context } from '../effects/context.ts'
import { timerQueue } from '../effects/timers.ts'
import type { Trigger } from '../executions/request-input.ts'
import type { Event, triggerEvents } from '../kernel/event.ts'

type TriggerEvent = (typeof triggerEvents)[number]

/** The resources that an event is about, in lower case; `resource.changed` names the first 100. */
const resourcesOf: { [Name in TriggerEvent]: (ctx: Context, data: Event<Name>['data']) => Promise<string[]> } = {
  'anomaly.detected': async (ctx, { anomalyId }) =>
    (await ctx.tables.anomalies.get(ctx.orgId, anomalyId))?.rootCause.affectedResources ?? [],
  'recommendation.found': async (ctx, { recommendationId }) =>
    (await ctx.tables.recommendations.get(ctx.orgId, recommendationId))?.resources.slice(0, 1).map(({ id }) => id) ??
    [],
  'resource.changed': async (_, { resources }) => resources.map(({ id }) => id),
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
  const resourceIds = (await resourcesOf[event.name](ctx, event.data)).map((id) => id.toLowerCase())
  if (resourceIds.length === 0) return
  for (const { id } of waiting) await wake(ctx, id, { type: 'event', name: event.name, eventId: event.id }, resourceIds)
}

/** Wakes the policy whose threshold was crossed. */
export async function crossed(ctx: Context, { data }: Pick<Event<'threshold.crossed'>, 'data'>): Promise<void> {
  const { policyId, ...trigger } = data
  await wake(ctx, policyId, { type: 'threshold', ...trigger })
}

async function wake(ctx: Context, policyId: string, trigger: Trigger, resourceIds?: string[]): Promise<void> {
  const message = { policyId, trigger, ...(resourceIds && { resourceIds }) }
  await ctx.runtime.queues.send(timerQueue, message, { orgId: ctx.orgId })
}
