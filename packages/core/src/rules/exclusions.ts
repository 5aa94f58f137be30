import type { Cloud } from '../kernel/cloud.ts'
import { ignoredBy } from '../resources/protection.ts'
import type { Rule, Verdict } from './rule.ts'
import { daysSince, numberOf, type Subject, textOf } from './subject.ts'

/** Tags that managers of groups of instances set. */
const managerTags = [
  'aws:autoscaling:groupName',
  'aws:ec2:fleet-id',
  'aws:eks:cluster-name',
  'eks:nodegroup-name',
  'karpenter.sh/nodepool',
  'aws:elasticmapreduce:job-flow-id',
  'aks-managed-poolName',
  'goog-gke-node',
  'goog-dataproc-cluster-name',
  'DatabricksInstancePoolId',
]

type Test = (subject: Subject) => boolean

const isManaged: Record<Cloud, Test> = {
  aws: () => false,
  azure: ({ configuration }) => configuration['virtualMachineScaleSet'] !== undefined,
  gcp: ({ configuration }) => configuration['createdBy'] !== undefined,
}

const isSpot: Record<Cloud, Test> = {
  aws: (subject) => textOf(subject, 'InstanceLifecycle') === 'spot',
  azure: (subject) => textOf(subject, 'priority') === 'Spot',
  gcp: ({ configuration }) => configuration['isSpot'] === true,
}

const isReplica: Record<Cloud, Test> = {
  aws: (subject) => textOf(subject, 'ReadReplicaSourceDBInstanceIdentifier') !== undefined,
  azure: (subject) =>
    ['AsyncReplica', 'GeoAsyncReplica', 'Replica'].includes(textOf(subject, 'replicationRole') ?? '') ||
    textOf(subject, 'secondaryType') !== undefined,
  gcp: (subject) => textOf(subject, 'instanceType') === 'READ_REPLICA_INSTANCE',
}

/** Disks that a service keeps for disaster recovery. */
const isRecoveryDisk: Record<Cloud, Test> = {
  aws: ({ tags }) => tags?.['AWSElasticDisasterRecoveryManaged'] !== undefined,
  azure: ({ name = '' }) => /-asrreplica$/i.test(name),
  gcp: ({ configuration }) => configuration['asyncPrimaryDisk'] !== undefined,
}

const isIgnored: Test = ({ cloud, tags = {} }) => ignoredBy(cloud, tags) !== undefined

/** Whether any rule may judge the subject. */
export function isJudged(subject: Subject): boolean {
  const { cloud, kind, status } = subject
  if (status === 'terminated' || isIgnored(subject)) return false
  return !(kind === 'database' ? isReplica : isRecoveryDisk)[cloud](subject)
}

/** Whether a manager replaces the instance by itself, or the cloud may take it back. */
export function isTransient(subject: Subject): boolean {
  const { cloud, kind, tags = {} } = subject
  if (kind !== 'instance') return false
  return isManaged[cloud](subject) || isSpot[cloud](subject) || managerTags.some((key) => tags[key] !== undefined)
}

/** Whether several instances have the disk, or may have it, as the API of its cloud tells. */
export function isShared(subject: Subject): boolean {
  const { Attachments: attachments, users } = subject.configuration
  const isOfSeveral = [attachments, users].some((all) => Array.isArray(all) && all.length > 1)
  return isOfSeveral || (numberOf(subject, 'maxShares') ?? 1) > 1
}

/** An unknown age excludes nothing: some APIs never tell it. */
export function isYoung({ windowDays, analyzer }: Rule, subject: Subject, now: Date): boolean {
  const { createdAt, unchangedSince, resizedAt } = subject
  const resized = analyzer === 'right_sizing' ? daysSince(resizedAt, now) : undefined
  const ages = [daysSince(createdAt ?? unchangedSince, now), resized]
  return ages.some((age) => age !== undefined && age < windowDays)
}

/**
 * The verdict without the resources of `also` that must stay, which the change names; undefined if all of them must,
 * because nothing would be saved.
 */
export function sparing<Judged extends Verdict>(verdict: Judged, stays: (subject: Subject) => boolean) {
  const { also = [], change, isGroup = false } = verdict
  if (isGroup) return verdict
  const kept = also.filter(stays)
  if (kept.length === 0) return verdict
  if (kept.length === also.length) return undefined
  const names = kept.map(({ id, name = id }) => name).join(', ')
  const action = `${change.action}, except ${names}`
  return { ...verdict, also: also.filter((each) => !kept.includes(each)), change: { ...change, action } }
}
