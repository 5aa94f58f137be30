import { resourceKinds } from '../../kernel/resource.ts'
import { rule, type Rule } from '../rule.ts'
import { threshold } from '../sources.ts'

export const tagRules: readonly Rule[] = [
  rule({
    id: 'required-tag-missing',
    analyzer: 'tag_governance',
    finds: 'Resource without a tag that the organization requires',
    clouds: ['aws', 'azure', 'gcp'],
    kinds: resourceKinds,
    windowDays: 0,
    thresholds: { missing: threshold(0, 'missing tags', 'finops') },
    risk: 'low',
    effort: 'low',
    restartNeeded: false,
    rollbackPossible: true,
    undo: 'Remove the tag.',
    judgesManaged: true,
    find: ({ cloud, kind, tags }, { requiredTags }) => {
      // A NAT of Google Cloud is a part of its router, and has no labels.
      if (requiredTags.length === 0 || (cloud === 'gcp' && kind === 'nat_gateway')) return undefined
      if (tags === undefined) return { missing: ['tags'] }
      const keys = new Set(Object.keys(tags).map((key) => key.toLowerCase()))
      const missing = requiredTags.filter((key) => !keys.has(key.toLowerCase()))
      if (missing.length === 0) return undefined
      return {
        evidence: { missing: missing.join(', ') },
        change: { action: 'add the tags', from: `without ${missing.join(', ')}`, to: 'tagged' },
        saving: { kind: 'none' },
        confidence: { level: 'high', reason: 'the inventory shows it' },
      }
    },
  }),
]
