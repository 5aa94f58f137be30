import type { Cloud } from '../../kernel/cloud.ts'
import { rule, type Answer, type Facts, type Rule, type Verdict } from '../rule.ts'
import { ours, type sources, threshold } from '../sources.ts'
import { daysSince, numberOf, type Subject, textOf } from '../subject.ts'

const common = {
  analyzer: 'storage_optimization',
  windowDays: 14,
  effort: 'low',
  risk: 'medium',
  restartNeeded: false,
  rollbackPossible: false,
} as const

/** Of logs. */
const keptDays = 90

/** Services that delete their own snapshots in time. */
const managerTags = ['aws:backup:source-resource', 'aws:dlm:lifecycle-policy-id']

function isManaged({ name = '', tags = {}, configuration }: Subject): boolean {
  const isScheduled = configuration['sourceSnapshotSchedulePolicy'] !== undefined || name.startsWith('AzureBackup')
  return isScheduled || managerTags.some((tag) => tags[tag] !== undefined)
}

function old(subject: Subject, { now, limit, resource, usersOf }: Facts<'days'>): Answer {
  const age = daysSince(subject.createdAt, now)
  if (age === undefined) return { missing: ['time of creation'] }
  if (age < limit.days || isManaged(subject)) return undefined
  const names = [subject.id, ...(subject.aliases ?? [])]
  if (names.some((name) => usersOf(name).some(({ kind }) => kind === 'image'))) return undefined
  const source = resource(subject.attachedTo)
  if (source && isNewest(subject, usersOf(source.id))) return undefined
  return {
    evidence: { ageDays: age, source: source ? 'exists, and has a newer snapshot' : 'is gone' },
    change: { action: 'delete', from: 'kept', to: 'deleted' },
    saving: { kind: 'stops_cost', parts: 'all' },
    confidence: { level: 'medium', reason: 'it is old; a rule of retention may still want it' },
  }
}

const isNewest = ({ kind, createdAt = '' }: Subject, siblings: readonly Subject[]) =>
  !siblings.some((other) => other.kind === kind && (other.createdAt ?? '') > createdAt)

function oldSnapshot(cloud: Cloud, kind: 'snapshot' | 'database_snapshot', id: string, finds: string): Rule {
  const undo = 'None: the snapshot is gone. Copy it to an archive before.'
  const thresholds = { days: threshold(90, 'days', 'thrifty') }
  const needs = ['image', kind === 'snapshot' ? 'volume' : 'database'] as const
  return rule({ ...common, id, finds, clouds: [cloud], kinds: [kind], needs, undo, thresholds, find: old })
}

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

export const snapshotRules: readonly Rule[] = [
  oldSnapshot('aws', 'snapshot', 'aws-snapshot-old', 'Old EBS snapshot that is not the last one of its volume'),
  oldSnapshot('azure', 'snapshot', 'azure-snapshot-old', 'Old disk snapshot that is not the last one of its disk'),
  oldSnapshot('gcp', 'snapshot', 'gcp-snapshot-old', 'Old disk snapshot that is not the last one of its disk'),
  oldSnapshot('aws', 'database_snapshot', 'aws-database-snapshot-old', 'Old manual RDS snapshot'),
  rule({
    ...common,
    id: 'azure-snapshot-premium',
    finds: 'Disk snapshot on premium storage',
    clouds: ['azure'],
    kinds: ['snapshot'],
    windowDays: 0,
    risk: 'low',
    rollbackPossible: true,
    undo: 'Copy the snapshot to premium storage again.',
    thresholds: { premium: threshold(0, 'snapshots on premium storage', 'azureSnapshots') },
    find: ({ type }) =>
      type !== 'Premium_LRS'
        ? undefined
        : {
            evidence: { type },
            change: { action: 'copy to standard storage', from: type, to: 'Standard_LRS' },
            saving: {
              kind: 'price_of',
              replaces: ['backup'],
              targets: [{ part: 'backup', sku: 'Snapshots LRS' }],
            },
            confidence: { level: 'high', reason: 'a snapshot is restored to any type of disk' },
          },
  }),
  rule({
    ...common,
    id: 'aws-image-unused',
    finds: 'AMI that started no instance lately, with its snapshots',
    clouds: ['aws'],
    kinds: ['image'],
    needs: ['instance'],
    undo: 'None: the image is gone. Copy it to an archive before.',
    thresholds: { days: ours(90, 'days', 'custodian') },
    find: (subject, { now, limit, resource, usersOf }) => {
      const age = daysSince(subject.createdAt, now)
      if (age === undefined) return { missing: ['time of creation'] }
      const launched = daysSince(textOf(subject, 'LastLaunchedTime'), now)
      if (Math.min(age, launched ?? age) < limit.days || subject.configuration['Public'] === true) return undefined
      if (usersOf(subject.id).some(({ kind }) => kind === 'instance')) return undefined
      const ids = (subject.configuration['SnapshotIds'] ?? []) as string[]
      const also = ids
        .toSorted()
        .map((id) => resource(id))
        .filter((each) => each !== undefined)
      return {
        also,
        evidence: { ageDays: age, launchedDaysAgo: launched ?? 'never' },
        change: { action: 'deregister, and delete the snapshots', from: 'kept', to: 'deleted' },
        saving: { kind: 'stops_cost', parts: 'all' },
        confidence: { level: 'medium', reason: 'launch templates of other accounts may name it' },
      }
    },
  }),
  rule({
    ...common,
    id: 'gcp-image-old',
    finds: 'Old image',
    clouds: ['gcp'],
    kinds: ['image'],
    undo: 'None: the image is gone. Export it before.',
    thresholds: { days: ours(90, 'days', 'gcpIdleResources') },
    find: ({ createdAt }, { now, limit }) => {
      const age = daysSince(createdAt, now)
      if (age === undefined) return { missing: ['time of creation'] }
      if (age < limit.days) return undefined
      return {
        evidence: { ageDays: age },
        change: { action: 'delete', from: 'kept', to: 'deleted' },
        saving: { kind: 'stops_cost', parts: 'all' },
        confidence: { level: 'low', reason: 'it is old; the API does not tell when it was used' },
      }
    },
  }),
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
