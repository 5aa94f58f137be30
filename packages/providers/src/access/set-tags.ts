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

/** The action `set-tags` of each cloud, by its reading and changing of tags. */
export function setTags<C extends Cloud>(cloud: C, access: AccessTo<C>, actor: Actor<C>): CloudAction {
  const read: CloudAction['readState'] = async (target) => {
    const [now] = await actor.tags(access, [target])
    if (!now) return undefined
    if ('refusal' in now) throw new Fault('forbidden', now.refusal)
    return { tags: now.tags }
  }
  const become = async ({ target, memory }: ActionOrder, tags: TagsByKey): Promise<ActionStep> => {
    const now = tagsIn((await read(target)) ?? null)
    const set = Object.fromEntries(Object.entries(tags).filter(([key, value]) => now[key] !== value))
    const remove = Object.fromEntries(Object.entries(now).filter(([key]) => !(key in tags)))
    if (Object.keys({ ...set, ...remove }).length === 0) return { state: 'done', memory }
    const [answer] = await actor.retag(access, [{ resource: target, before: now, set, remove }])
    if (answer?.refusal === undefined) return { state: 'done', memory }
    if (answer.isPartly) return { state: 'going on', memory, waitSeconds: 10, says: answer.refusal }
    return { state: 'refused', memory, message: answer.refusal }
  }
  return {
    readState: read,
    async plan({ target, parameters, before }) {
      const [current, tags] = [tagsIn(before), tagsIn(parameters)]
      const { changes, refusal } = TagPlan.planOf({ cloud, kind: target.kind, current, tags, overwrite: true })
      if (refusal !== undefined) return { refusal }
      if (changes.length === 0) return 'done already'
      const after = { ...current, ...Object.fromEntries(changes.map((change) => [change.key, change.after])) }
      return { after: { tags: after }, undo: 'full', lost: [], notes: [] }
    },
    act: async (order) => await become(order, tagsIn(order.after)),
    async verify({ target, after }) {
      const [now, wanted] = [tagsIn((await read(target)) ?? null), tagsIn(after)]
      return Object.entries(wanted)
        .filter(([key, value]) => now[key] !== value)
        .map(([key, value]) => `The tag ${key} is ${now[key] ?? 'missing'} instead of ${value}.`)
    },
    undo: async (order) => await become(order, tagsIn(order.before)),
  }
}
