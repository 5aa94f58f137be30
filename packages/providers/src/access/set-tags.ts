import {
  Fault,
  type ActionOrder,
  type ActionStep,
  type Cloud,
  type CloudAction,
  TagPlan,
  type TagsByKey,
} from '@cloudoptima/core'
import type { AccessTo, Actor } from './verdict.ts'

const tagsIn = (fields: Readonly<Record<string, unknown>> | null): TagsByKey =>
  (fields?.['tags'] as TagsByKey | undefined) ?? {}

const done = (memory: ActionOrder['memory']): ActionStep => ({ state: 'done', memory })

/** The action `set-tags` of each cloud, by its reading and changing of tags. */
export function setTags<C extends Cloud>(cloud: C, access: AccessTo<C>, actor: Actor<C>): CloudAction {
  const read: CloudAction['readState'] = async (target) => {
    const [now] = await actor.tags(access, [target])
    if (!now) return undefined
    if ('refusal' in now) throw new Fault(now.isPassing ? 'unavailable' : 'forbidden', now.refusal)
    return { tags: now.tags }
  }
  /** What the order changes: only these tags, and others stay whatever becomes of them. */
  const changesOf = ({ target: { kind }, parameters, before }: ActionOrder) =>
    TagPlan.planOf({ cloud, kind, current: tagsIn(before), tags: tagsIn(parameters), overwrite: true }).changes
  const change = async (order: ActionOrder, before: TagsByKey, wanted: { set: TagsByKey; remove: TagsByKey }) => {
    const { target, memory } = order
    if (Object.keys({ ...wanted.set, ...wanted.remove }).length === 0) return done(memory)
    const [answer] = await actor.retag(access, [{ resource: target, before, ...wanted }])
    if (answer?.refusal === undefined) return done(memory)
    if (answer.isPartly) return { state: 'going on', memory, waitSeconds: 10, says: answer.refusal } as const
    if (answer.isPassing) throw new Fault('unavailable', answer.refusal)
    return { state: 'refused', memory, message: answer.refusal } as const
  }
  return {
    readState: read,
    async plan({ target, parameters, before }) {
      const [current, tags] = [tagsIn(before), tagsIn(parameters)]
      const { changes, refusal } = TagPlan.planOf({ cloud, kind: target.kind, current, tags, overwrite: true })
      if (refusal !== undefined) return { refusal }
      if (changes.length === 0) return 'done already'
      const after = { ...current, ...Object.fromEntries(changes.map((change) => [change.key, change.after])) }
      return { after: { tags: after }, undo: 'full', lost: [], losesData: null, notes: [] }
    },
    async act(order) {
      const now = tagsIn((await read(order.target)) ?? null)
      const missing = changesOf(order).filter(({ key, after }) => now[key] !== after)
      return await change(order, now, {
        set: Object.fromEntries(missing.map(({ key, after }) => [key, after])),
        remove: {},
      })
    },
    async verify(order) {
      const now = tagsIn((await read(order.target)) ?? null)
      return changesOf(order)
        .filter(({ key, after }) => now[key] !== after)
        .map(({ key, after }) => `The tag ${key} is ${now[key] ?? 'missing'} instead of ${after}.`)
    },
    async undo(order) {
      const now = tagsIn((await read(order.target)) ?? null)
      const { set, remove } = TagPlan.undoOf(cloud, now, changesOf(order))
      return await change(order, now, { set, remove })
    },
  }
}
