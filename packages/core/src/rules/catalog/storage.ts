import { rule, type Rule, type Threshold, type Verdict } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { daysSince, type Subject, textOf } from '../subject.ts'
import { missingWords, rounded } from './quiet.ts'

const common = {
  analyzer: 'storage_optimization',
  windowDays: 14,
  effort: 'low',
  restartNeeded: false,
} as const
const online = { ...common, kinds: ['volume'], clouds: ['aws'], risk: 'low', rollbackPossible: true } as const

const stopsAll = { kind: 'stops_cost', parts: 'all' } as const

type Unattached = Pick<Rule, 'id' | 'clouds' | 'finds'> & { days: Threshold }

/** Fields with the time of the last detachment. */
const detachedAt = ['lastDetachTimestamp', 'LastOwnershipUpdateTime']

function unattached({ id, clouds, finds, days }: Unattached): Rule {
  return rule({
    ...common,
    id,
    finds,
    clouds,
    kinds: ['volume'],
    thresholds: { days },
    risk: 'medium',
    rollbackPossible: true,
    undo: 'Create the disk again from the snapshot.',
    find: (subject, { now, limit }) => {
      if (subject.attachedTo !== undefined || subject.status !== 'available') return undefined
      const said = detachedAt.map((field) => textOf(subject, field)).find((time) => time !== undefined)
      const since = said ?? subject.unchangedSince
      const [detached, age] = [daysSince(since, now), daysSince(subject.createdAt, now)]
      if (detached === undefined && age === undefined) return { missing: ['time of creation or of detachment'] }
      if ((detached ?? age ?? 0) < limit.days) return undefined
      return {
        evidence: { unattachedDays: detached ?? 'unknown', ageDays: age ?? 'unknown' },
        change: { action: 'delete, after a snapshot if the data may be wanted', from: subject.status, to: 'deleted' },
        saving: stopsAll,
        confidence:
          detached === undefined
            ? { level: 'medium', reason: 'it is unattached now; the cloud does not say since when' }
            : { level: 'high', reason: 'it has been unattached for longer than the threshold' },
      }
    },
  })
}

/** gp2 has 128 MB a second up to 170 GiB, and 250 above; 3 operations a second for each GiB, from 100 to 16,000. */
function gp2Limits(sizeGb: number): { iops: number; throughput: number } {
  return { iops: Math.min(16_000, Math.max(100, 3 * sizeGb)), throughput: sizeGb <= 170 ? 128 : 250 }
}

/** What gp3 includes. */
const gp3 = { iops: 3000, throughput: 125 }

function toGp3(from: { iops: number; throughput: number }): Verdict['saving'] {
  const more = [
    { part: 'iops', sku: 'gp3', quantity: Math.max(0, from.iops - gp3.iops) },
    { part: 'throughput', sku: 'gp3', quantity: Math.max(0, from.throughput - gp3.throughput) },
  ] as const
  return {
    kind: 'price_of',
    replaces: ['storage', 'iops', 'throughput'],
    targets: [{ part: 'storage', sku: 'gp3' }, ...more.filter(({ quantity }) => quantity > 0)],
  }
}

const backToType = 'Change the type back; AWS allows the next change after 6 hours.'
const days = (value: number): Threshold => ours(value, 'days', 'custodian')

export const storageRules: readonly Rule[] = [
  unattached({
    id: 'aws-volume-unattached',
    clouds: ['aws'],
    finds: 'EBS volume that no instance uses',
    days: threshold(32, 'days', 'computeOptimizer'),
  }),
  unattached({
    id: 'azure-disk-unattached',
    clouds: ['azure'],
    finds: 'Managed disk that no machine uses',
    days: ours(30, 'days', 'advisor'),
  }),
  unattached({
    id: 'gcp-disk-unattached',
    clouds: ['gcp'],
    finds: 'Persistent disk that no VM uses',
    days: threshold(15, 'days', 'gcpIdleResources'),
  }),
  rule({
    ...online,
    id: 'aws-volume-gp2',
    finds: 'EBS volume of type gp2, which gp3 replaces at a lower price',
    windowDays: 0,
    thresholds: { sizeGb: threshold(1, 'GiB', 'volumeTypes') },
    undo: backToType,
    find: ({ type, sizeGb }, { limit }) => {
      if (type !== 'gp2') return undefined
      if (sizeGb === undefined) return { missing: ['size'] }
      if (sizeGb < limit.sizeGb) return undefined
      const limits = gp2Limits(sizeGb)
      return {
        evidence: { sizeGb, iops: limits.iops, throughputMb: limits.throughput },
        change: { action: 'change the type', from: 'gp2', to: 'gp3' },
        saving: toGp3(limits),
        confidence: { level: 'high', reason: 'gp3 is set to the same operations and throughput' },
      }
    },
  }),
  rule({
    ...online,
    id: 'aws-volume-io1',
    finds: 'EBS volume of type io1 that gp3 can carry',
    thresholds: {
      iops: threshold(16_000, 'operations a second, as many as gp3 has', 'volumeTypes'),
      throughput: threshold(1000, 'MB a second, as many as gp3 has', 'volumeTypes'),
    },
    risk: 'medium',
    undo: backToType,
    find: ({ type, iops, configuration }, { limit }) => {
      if (type !== 'io1' || configuration['MultiAttachEnabled'] === true) return undefined
      if (iops === undefined) return { missing: ['operations a second'] }
      if (iops > limit.iops) return undefined
      // io1 moves at most 256 KiB with one operation.
      const throughput = Math.min(limit.throughput, Math.ceil(iops * 0.262144))
      return {
        evidence: { iops, throughputMb: throughput },
        change: { action: 'change the type', from: 'io1', to: 'gp3' },
        saving: toGp3({ iops, throughput }),
        confidence: { level: 'medium', reason: 'gp3 has the same operations and throughput, and a higher latency' },
      }
    },
  }),
  rule({
    ...online,
    id: 'aws-volume-iops-oversized',
    finds: 'EBS volume with far more provisioned operations than it uses',
    thresholds: {
      usedPercent: ours(20, '% of the provisioned operations', 'computeOptimizer'),
      headroom: ours(3, 'times the used operations stay', 'computeOptimizerHeadroom'),
    },
    risk: 'medium',
    undo: 'Raise the operations again; AWS allows the next change after 6 hours.',
    find: ({ type = '', iops, utilization }, { limit }) => {
      const base = type === 'gp3' ? gp3.iops : 100
      if (!['gp3', 'io1', 'io2'].includes(type) || iops === undefined || iops <= base) return undefined
      const summary = utilization?.disk_operations
      if (summary?.p99 === undefined) return { missing: [missingWords('disk_operations', summary)] }
      const used = summary.p99 / 3600
      const target = Math.max(base, Math.ceil((used * limit.headroom) / 100) * 100)
      if (used >= (iops * limit.usedPercent) / 100 || target >= iops) return undefined
      return {
        evidence: { iops, usedIopsP99: rounded(used) },
        change: { action: 'lower the operations', from: `${iops} a second`, to: `${target} a second` },
        saving:
          type === 'io2' && iops > 32_000
            ? { kind: 'unknown', why: 'the price of io2 falls in steps above 32,000 operations a second' }
            : { kind: 'share', parts: ['iops'], share: (iops - target) / (iops - (type === 'gp3' ? base : 0)) },
        confidence: { level: 'medium', reason: 'averages of hours hide shorter peaks' },
      }
    },
  }),
  rule({
    ...common,
    id: 'aws-volume-on-stopped-instance',
    finds: 'EBS volume of an instance that has been stopped for long',
    clouds: ['aws'],
    kinds: ['volume'],
    thresholds: { days: days(30) },
    risk: 'medium',
    effort: 'medium',
    rollbackPossible: true,
    undo: 'Create the volume again from the snapshot and attach it.',
    find: (subject, { now, limit, resource }) => {
      const instance = resource(subject.attachedTo)
      if (instance?.status !== 'stopped') return undefined
      const stopped = daysSince(stoppedAt(instance), now)
      if (stopped === undefined) return { missing: [`since when ${instance.id} has been stopped`] }
      if (stopped < limit.days) return undefined
      return {
        evidence: { instance: instance.id, stoppedDays: stopped },
        change: { action: 'delete, after a snapshot if the data may be wanted', from: 'attached', to: 'deleted' },
        saving: stopsAll,
        confidence: { level: 'medium', reason: 'somebody may start the instance again' },
      }
    },
  }),
  rule({
    ...common,
    id: 'azure-premium-disk-deallocated',
    finds: 'Premium disk of a deallocated machine, which standard storage could keep',
    clouds: ['azure'],
    kinds: ['volume'],
    thresholds: { days: ours(14, 'days', 'advisor') },
    risk: 'low',
    rollbackPossible: true,
    undo: 'Change the type back before the machine starts.',
    find: ({ type, attachedTo, status, sizeGb = 0 }, { now, limit, resource }) => {
      const machine = type === 'Premium_LRS' && status !== 'available' ? resource(attachedTo) : undefined
      if (machine?.status !== 'stopped' || textOf(machine, 'code')?.toLowerCase() === 'powerstate/stopped')
        return undefined
      const stopped = daysSince(stoppedAt(machine), now)
      if (stopped === undefined) return { missing: [`since when ${machine.name ?? machine.id} has been deallocated`] }
      if (stopped < limit.days) return undefined
      return {
        evidence: { deallocatedDays: stopped },
        change: { action: 'change the type', from: 'Premium_LRS', to: 'Standard_LRS' },
        saving: { kind: 'price_of', replaces: ['storage'], targets: [{ part: 'storage', sku: standardTier(sizeGb) }] },
        confidence: { level: 'high', reason: 'a deallocated machine does not read its disk' },
      }
    },
  }),
]

/** GiB by tier, of disks that are billed by the piece: https://learn.microsoft.com/azure/virtual-machines/disks-types */
const standardTiers: readonly (readonly [tier: string, sizeGb: number])[] = [
  ['S4', 32],
  ['S6', 64],
  ['S10', 128],
  ['S15', 256],
  ['S20', 512],
  ['S30', 1024],
  ['S40', 2048],
  ['S50', 4096],
  ['S60', 8192],
  ['S70', 16_384],
  ['S80', 32_767],
]

function standardTier(sizeGb: number): string {
  const [tier] = standardTiers.find(([, most]) => sizeGb <= most) ?? ['S80']
  return `${tier} LRS`
}

/** AWS tells it in a sentence: `User initiated (2026-01-31 10:00:00 GMT)`. */
export function stoppedAt(instance: Subject): string | undefined {
  const [said] = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(textOf(instance, 'StateTransitionReason') ?? '') ?? []
  if (said !== undefined) return `${said.replace(' ', 'T')}Z`
  return textOf(instance, 'lastStopTimestamp') ?? instance.unchangedSince
}
