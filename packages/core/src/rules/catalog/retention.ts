import { type Answer, rule, type Rule, type Verdict } from '../rule.ts'
import { ours, type sources } from '../sources.ts'
import { daysSince, numberOf, type Subject } from '../subject.ts'

const common = {
  analyzer: 'storage_optimization',
  windowDays: 14,
  effort: 'low',
  restartNeeded: false,
} as const

/** Of logs. */
const keptDays = 90

type ConfigurationRule = Pick<Rule, 'id' | 'finds' | 'undo' | 'risk'> & {
  kind: 'bucket' | 'log_group'
  source: keyof typeof sources
  gb: number
  find(subject: Subject, gb: number, now: Date): Answer
}

function byConfiguration({ kind, source, gb, find, ...own }: ConfigurationRule): Rule {
  return rule({
    ...common,
    ...own,
    clouds: ['aws'],
    kinds: [kind],
    rollbackPossible: true,
    thresholds: { gb: ours(gb, 'GB', source) },
    find: (subject, { limit, now }) => find(subject, limit.gb, now),
  })
}

interface LifecycleRule {
  Status?: string
  /** Another field removes the marks of deleted objects only. */
  Expiration?: { Days?: number; Date?: string }
  Transitions?: unknown
  AbortIncompleteMultipartUpload?: unknown
  /** Whether it holds for each object; absent in older inventories. */
  IsForAll?: boolean
}

const isFiltered = ({ IsForAll }: LifecycleRule) => IsForAll === false
const movesOrDeletes = ({ Expiration, Transitions }: LifecycleRule) =>
  Transitions !== undefined || Expiration?.Days !== undefined || Expiration?.Date !== undefined
const endsUploads = (each: LifecycleRule) => each.AbortIncompleteMultipartUpload !== undefined

/** Undefined if AWS did not answer them. */
function lifecycleOf({ configuration }: Subject): LifecycleRule[] | undefined {
  const rules = configuration['LifecycleRules']
  return Array.isArray(rules) ? rules.filter((each: LifecycleRule) => each.Status === 'Enabled') : undefined
}

/** Bytes by storage class, with the parts of incomplete uploads; undefined if CloudWatch has none. */
const sizesOf = ({ configuration }: Subject) => configuration['BucketSizeBytes'] as Record<string, number> | undefined

interface Lifecycle {
  rules: readonly LifecycleRule[]
  /** What no enabled rule does for all objects. */
  does: (each: LifecycleRule) => boolean
  gb: number
  from: string
  change: Pick<Verdict['change'], 'action' | 'to'>
  why: string
}

function lifecycle({ rules, does, gb, from, change, why }: Lifecycle): Verdict {
  const partial = rules.filter(does).length
  return {
    evidence: { enabledRules: rules.length, ...(partial > 0 && { rulesWithFilter: partial }), sizeGb: Math.round(gb) },
    change: { ...change, from: partial > 0 ? `${from} outside of a filter` : from },
    saving: { kind: 'unknown', why },
    confidence:
      partial > 0
        ? { level: 'medium', reason: 'each rule that does it has a filter; what filters leave out is not known' }
        : { level: 'high', reason: 'the configuration shows it' },
  }
}

const missingOf = (rules: object | undefined) => ({
  missing: [rules ? 'size by storage class' : 'rules of the lifecycle'],
})

/** Configurations that keep data for ever. */
export const retentionRules: readonly Rule[] = [
  byConfiguration({
    id: 'aws-bucket-no-lifecycle',
    finds: 'S3 bucket with standard storage and no rule that moves or deletes all objects',
    kind: 'bucket',
    source: 's3Lifecycle',
    gb: 100,
    risk: 'low',
    undo: 'Remove the rule; objects that were moved stay in Intelligent-Tiering.',
    find: (subject, limit) => {
      const [rules, sizes] = [lifecycleOf(subject), sizesOf(subject)]
      if (rules?.some((each) => movesOrDeletes(each) && !isFiltered(each))) return undefined
      if (!rules || !sizes) return missingOf(rules)
      const gb = (sizes['StandardStorage'] ?? 0) / 1e9
      if (gb < limit) return undefined
      return lifecycle({
        rules,
        does: movesOrDeletes,
        gb,
        from: 'no rule moves or deletes objects',
        change: { action: 'add a rule that moves all objects to Intelligent-Tiering', to: 'Intelligent-Tiering' },
        why: 'depends on how often each object is read; Intelligent-Tiering charges for objects of 128 KB or more',
      })
    },
  }),
  byConfiguration({
    id: 'aws-bucket-incomplete-uploads',
    finds: 'S3 bucket without a rule that ends incomplete multipart uploads',
    kind: 'bucket',
    source: 's3Multipart',
    gb: 1,
    risk: 'low',
    undo: 'Remove the rule; parts of ended uploads do not come back.',
    find: (subject, limit) => {
      const [rules, sizes] = [lifecycleOf(subject), sizesOf(subject)]
      if (rules?.some((each) => endsUploads(each) && !isFiltered(each))) return undefined
      if (!rules || !sizes) return missingOf(rules)
      const gb = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0) / 1e9
      if (gb < limit) return undefined
      return lifecycle({
        rules,
        does: endsUploads,
        gb,
        from: 'no rule ends them',
        change: { action: 'end incomplete uploads after 7 days', to: 'a rule ends them' },
        why: 'the inventory does not list incomplete uploads',
      })
    },
  }),
  byConfiguration({
    id: 'aws-log-group-no-retention',
    finds: 'CloudWatch log group that keeps its logs for ever',
    kind: 'log_group',
    source: 'logRetention',
    gb: 1,
    risk: 'medium',
    undo: 'Set the retention to never again; deleted logs do not come back.',
    find: (subject, gb, now) => {
      const age = daysSince(subject.createdAt, now)
      if (numberOf(subject, 'retentionInDays') !== undefined) return undefined
      if (subject.sizeGb === undefined || age === undefined) return { missing: ['size and time of creation'] }
      if (subject.sizeGb < gb || age <= keptDays) return undefined
      return {
        evidence: { sizeGb: Math.round(subject.sizeGb), ageDays: age },
        change: { action: 'set the retention', from: 'for ever', to: `${keptDays} days` },
        saving: { kind: 'share', parts: ['storage'], share: (age - keptDays) / age },
        confidence: { level: 'low', reason: 'the share holds if the group has grown evenly' },
      }
    },
  }),
]
