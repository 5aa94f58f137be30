import type { TagsByKey } from '../effects/clouds.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import { complaintOf, isOwnOf, isProtected, protectionTags, spelledIn, tagLimits } from './tag-limits.ts'

/** One tag of one resource; null: it had none. */
export interface Change {
  key: string
  before: string | null
  after: string
}

export interface Plan {
  changes: Change[]
  /** Tags that the resource has with another value, which stays. */
  skipped: { key: string; value: string }[]
  refusal?: string
}

interface Wanted {
  cloud: Cloud
  kind: ResourceKind
  /** That the resource has now. */
  current: TagsByKey
  tags: TagsByKey
  overwrite: boolean
}

export const protectedBy = `The resource is protected by its tag ${protectionTags[0]}.`

/** What setting the tags would change; nothing if it would break a limit of the cloud. */
export function planOf({ cloud, kind, current, tags, overwrite }: Wanted): Plan {
  const refused = isProtected(cloud, current) ? protectedBy : complaintOf(cloud, kind, tags)
  if (refused !== undefined) return { changes: [], skipped: [], refusal: refused }
  const all = Object.entries(tags).map(([key, after]) => {
    const spelled = spelledIn(cloud, current, key)
    return { key: spelled ?? key, before: valueOf(current, spelled), after }
  })
  const differing = all.filter(({ before, after }) => before !== after)
  const changes = differing.filter(({ before }) => before === null || overwrite)
  const skipped = differing.flatMap(({ key, before }) => (before === null || overwrite ? [] : [{ key, value: before }]))
  const { name, mostTags } = tagLimits[cloud]
  const own = Object.keys(current).filter((key) => !isOwnOf(cloud, key)).length
  const later = own + changes.filter(({ before }) => before === null).length
  if (later > mostTags)
    return { changes: [], skipped, refusal: `It would have ${later} tags, and ${name} allows ${mostTags}.` }
  return { changes, skipped }
}

function valueOf(tags: TagsByKey, spelled: string | undefined): string | null {
  return spelled === undefined ? null : (tags[spelled] ?? null)
}

export interface Undo {
  set: Record<string, string>
  /** With the values that they have. */
  remove: Record<string, string>
  /** Changed by somebody else since, with the values that stay. */
  kept: { key: string; value: string | null }[]
}

/** Back to the tags of before, where the value is still the one that was set. */
export function undoOf(cloud: Cloud, current: TagsByKey, changes: readonly Change[]): Undo {
  const undo: Undo = { set: {}, remove: {}, kept: [] }
  for (const { key, before, after } of changes) {
    const known = spelledIn(cloud, current, key)
    const [spelled, value] = [known ?? key, valueOf(current, known)]
    if (value === before) continue
    if (value !== after) undo.kept.push({ key, value })
    else if (before === null) undo.remove[spelled] = after
    else undo.set[spelled] = before
  }
  return undo
}
