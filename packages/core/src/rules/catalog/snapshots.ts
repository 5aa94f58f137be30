import type { Cloud } from '../../kernel/cloud.ts'
import { type Answer, type Facts, rule, type Rule } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { daysSince, type Subject, textOf } from '../subject.ts'

const common = {
  analyzer: 'storage_optimization',
  windowDays: 14,
  effort: 'low',
  risk: 'medium',
  restartNeeded: false,
  rollbackPossible: false,
} as const

/** AWS Backup and Data Lifecycle Manager delete their own snapshots and images in time. */
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
  if (subject.attachedTo === undefined) return { missing: ['source of the snapshot'] }
  if (subject.attachedTo === sourceOfCopies || isNewest(subject, usersOf(subject.attachedTo))) return undefined
  const source = resource(subject.attachedTo) ? 'exists' : 'is gone'
  return {
    evidence: { ageDays: age, source: `${source}, and has a newer snapshot` },
    change: { action: 'delete', from: 'kept', to: 'deleted' },
    saving: isWhole(subject)
      ? { kind: 'stops_cost', parts: 'all' }
      : { kind: 'unknown', why: shared, isAtMostCost: true },
    confidence: { level: 'medium', reason: 'it is old; a rule of retention may still want it' },
  }
}

/**
 * Snapshots of disks and databases are incremental, but for the full ones of Azure:
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-deleting-snapshot.html,
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CreateSnapshot.html,
 * https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots and
 * https://cloud.google.com/compute/docs/disks/snapshots
 */
const isWhole = ({ cloud, configuration }: Subject) => cloud === 'azure' && configuration['incremental'] === false

const shared = 'blocks that newer snapshots need stay, and are billed with them'

/** AWS names this volume for each copy of a snapshot: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html */
const sourceOfCopies = 'vol-ffffffff'

/** Snapshots that nothing can be restored from. */
const unusable = /^(?:error|failed|pending|creating|uploading|deleting)$/i

const isNewest = ({ kind, createdAt = '' }: Subject, siblings: readonly Subject[]) =>
  !siblings.some((other) => other.kind === kind && !unusable.test(other.status) && (other.createdAt ?? '') > createdAt)

/** By a newer snapshot of the same volume, which refers to its blocks. */
const isNeeded = (snapshot: Subject, usersOf: Facts['usersOf']) =>
  snapshot.attachedTo !== undefined && !isNewest(snapshot, usersOf(snapshot.attachedTo))

function oldSnapshot(cloud: Cloud, kind: 'snapshot' | 'database_snapshot', id: string, finds: string): Rule {
  const undo = 'None: the snapshot is gone. Copy it to an archive before.'
  const thresholds = { days: threshold(90, 'days', 'thrifty') }
  const needs = ['image', kind === 'snapshot' ? 'volume' : 'database'] as const
  return rule({ ...common, id, finds, clouds: [cloud], kinds: [kind], needs, undo, thresholds, find: old })
}

export const snapshotRules: readonly Rule[] = [
  oldSnapshot('aws', 'snapshot', 'aws-snapshot-old', 'Old EBS snapshot that is not the last one of its volume'),
  oldSnapshot('azure', 'snapshot', 'azure-snapshot-old', 'Old disk snapshot that is not the last one of its disk'),
  oldSnapshot('gcp', 'snapshot', 'gcp-snapshot-old', 'Old disk snapshot that is not the last one of its disk'),
  oldSnapshot(
    'aws',
    'database_snapshot',
    'aws-database-snapshot-old',
    'Old manual RDS snapshot that is not the last one of its database',
  ),
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
      if (isManaged(subject) || usersOf(subject.id).some(({ kind }) => kind === 'instance')) return undefined
      const ids = (subject.configuration['SnapshotIds'] ?? []) as string[]
      const also = ids
        .toSorted()
        .map((id) => resource(id))
        .filter((each) => each !== undefined)
      return {
        also,
        evidence: { ageDays: age, launchedDaysAgo: launched ?? 'never' },
        change: { action: 'deregister, and delete the snapshots', from: 'kept', to: 'deleted' },
        saving: also.some((each) => isNeeded(each, usersOf))
          ? { kind: 'unknown', why: shared, isAtMostCost: true }
          : { kind: 'stops_cost', parts: 'all' },
        confidence: { level: 'low', reason: 'launch templates, which may name it, are not collected' },
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
]
