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
  Expiration?: unknown
  Transitions?: unknown
  AbortIncompleteMultipartUpload?: unknown
}

/** Undefined if AWS did not answer them. */
function lifecycleOf({ configuration }: Subject): LifecycleRule[] | undefined {
  const rules = configuration['LifecycleRules']
  return Array.isArray(rules) ? rules.filter((each: LifecycleRule) => each.Status === 'Enabled') : undefined
}

function lifecycle(action: string, why: string): Verdict {
  return {
    evidence: { lifecycleRules: 0 },
    change: { action, from: 'no rule', to: 'a rule' },
    saving: { kind: 'unknown', why },
    confidence: { level: 'high', reason: 'the configuration shows it' },
  }
}

/** Configurations that keep data for ever. */
export const retentionRules: readonly Rule[] = [
  byConfiguration({
    id: 'aws-bucket-no-lifecycle',
    finds: 'S3 bucket with standard storage and no rule of its lifecycle',
    kind: 'bucket',
    source: 's3Lifecycle',
    gb: 100,
    risk: 'low',
    undo: 'Remove the rule; objects that were moved or deleted stay so.',
    find: (subject, gb) => {
      const [rules, sizes] = [lifecycleOf(subject), subject.configuration['BucketSizeBytes']]
      if (rules?.some(({ Expiration, Transitions }) => Expiration !== undefined || Transitions !== undefined))
        return undefined
      const bytes = (sizes as Record<string, number> | undefined)?.['StandardStorage']
      if (!rules || sizes === undefined)
        return { missing: [rules ? 'size by storage class' : 'rules of the lifecycle'] }
      if ((bytes ?? 0) / 1e9 < gb) return undefined
      return lifecycle('add a rule of the lifecycle', 'depends on how often which objects are read')
    },
  }),
  byConfiguration({
    id: 'aws-bucket-incomplete-uploads',
    finds: 'S3 bucket that keeps incomplete multipart uploads',
    kind: 'bucket',
    source: 's3Multipart',
    gb: 0,
    risk: 'low',
    undo: 'Remove the rule.',
    find: (subject) => {
      const rules = lifecycleOf(subject)
      if (!rules) return { missing: ['rules of the lifecycle'] }
      if (rules.some(({ AbortIncompleteMultipartUpload }) => AbortIncompleteMultipartUpload !== undefined))
        return undefined
      return lifecycle('end incomplete uploads after 7 days', 'the inventory does not list incomplete uploads')
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
