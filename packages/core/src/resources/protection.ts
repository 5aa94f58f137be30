import type { TagsByKey } from '../effects/clouds.ts'
import type { Cloud } from '../kernel/cloud.ts'
import { isProtected, protectionTags, spelledIn } from './tag-limits.ts'

/** Google Cloud's labels have no colon. */
const ignoreTags = ['cloudoptima:ignore', 'cloudoptima-ignore']

/** A tag by which a policy leaves resources out; without `value`, whatever the value is. */
interface ProtectedTag {
  key: string
  value?: string | undefined
}

/** A tag that keeps the product away. */
export interface Guard extends ProtectedTag {
  /** As the resource has it. */
  actual: string
}

/** The tag `cloudoptima:ignore` with another value than `false`. */
export function ignoredBy(cloud: Cloud, tags: TagsByKey): Guard | undefined {
  for (const key of ignoreTags) {
    const spelled = spelledIn(cloud, tags, key)
    const actual = spelled === undefined ? 'false' : (tags[spelled] ?? 'false')
    if (actual !== 'false') return { key, actual }
  }
  return undefined
}

/** The first tag by which the resource is not to be changed: of the product, or of the policy. */
export function guardOf(cloud: Cloud, tags: TagsByKey, protectedTags: readonly ProtectedTag[]): Guard | undefined {
  if (isProtected(cloud, tags)) return { key: protectionTags[0], value: 'true', actual: 'true' }
  const ignored = ignoredBy(cloud, tags)
  if (ignored) return ignored
  for (const { key, value } of protectedTags) {
    const spelled = spelledIn(cloud, tags, key)
    const actual = spelled === undefined ? undefined : tags[spelled]
    if (actual !== undefined && (value === undefined || value === actual)) return { key, value, actual }
  }
  return undefined
}
