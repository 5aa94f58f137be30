import { type ResourceKind, resourceKinds } from '../../kernel/resource.ts'
import { rule, type Rule } from '../rule.ts'
import { threshold } from '../sources.ts'

/** Of Google Cloud: a NAT is a part of its router, and a commitment has none in its API. */
const withoutLabels = new Set<ResourceKind>(['commitment', 'nat_gateway'])

export const tagRules: readonly Rule[] = [
  rule({
    id: 'required-tag-missing',
    analyzer: 'tag_governance',
    finds: 'Resource without a tag that the organization requires, or with a value that it does not allow',
    clouds: ['aws', 'azure', 'gcp'],
    kinds: resourceKinds,
    windowDays: 0,
    thresholds: { missing: threshold(0, 'missing or wrong tags', 'finops') },
    risk: 'low',
    effort: 'low',
    restartNeeded: false,
    rollbackPossible: true,
    undo: 'Remove the tag, or set its earlier value.',
    judgesManaged: true,
    find: ({ cloud, kind, tags }, { requiredTags }) => {
      if (requiredTags.length === 0 || (cloud === 'gcp' && withoutLabels.has(kind))) return undefined
      if (tags === undefined) return { missing: ['tags'] }
      const values = new Map(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value]))
      const missing = requiredTags.filter(({ key }) => !values.has(key.toLowerCase())).map(({ key }) => key)
      const wrong = requiredTags.flatMap(({ key, allowedValues }) => {
        const value = values.get(key.toLowerCase())
        return value === undefined || (allowedValues?.includes(value) ?? true) ? [] : [`${key}=${value}`]
      })
      if (missing.length + wrong.length === 0) return undefined
      const from = [
        ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
        ...(wrong.length > 0 ? [`with ${wrong.join(', ')}`] : []),
      ]
      return {
        evidence: {
          ...(missing.length > 0 && { missing: missing.join(', ') }),
          ...(wrong.length > 0 && { notAllowed: wrong.join(', ') }),
        },
        change: { action: 'set the tags', from: from.join(', '), to: 'tagged' },
        saving: { kind: 'none' },
        confidence: { level: 'high', reason: 'the inventory shows it' },
      }
    },
  }),
]
