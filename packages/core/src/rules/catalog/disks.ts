import { isShared } from '../exclusions.ts'
import { rule, type Rule, type Threshold } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { daysSince, textOf } from '../subject.ts'
import { quiet } from './quiet.ts'
import { saidDetachedAt, stoppedAt } from './stopped.ts'

const common = {
  analyzer: 'storage_optimization',
  windowDays: 14,
  effort: 'low',
  restartNeeded: false,
} as const

const stopsAll = { kind: 'stops_cost', parts: 'all', isCopied: true } as const

const deleted = { action: 'delete, after a snapshot', to: 'deleted' } as const

type Unattached = Pick<Rule, 'id' | 'clouds' | 'finds'> & { days: Threshold }

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
      const said = saidDetachedAt(subject)
      const [least, age] = [daysSince(said ?? subject.unchangedSince, now), daysSince(subject.createdAt, now)]
      // A volume that was unattached at the first sight may have been so for long.
      const isUnknown = said === undefined && subject.mayBeOlder && least !== undefined && least < limit.days
      const detached = isUnknown ? undefined : least
      if (detached === undefined && age === undefined) return { missing: ['time of creation or of detachment'] }
      if ((detached ?? age ?? 0) < limit.days) return undefined
      return {
        evidence: { unattachedDays: detached ?? 'unknown', ageDays: age ?? 'unknown' },
        change: { ...deleted, from: subject.status },
        saving: stopsAll,
        confidence:
          detached === undefined
            ? { level: 'medium', reason: 'it is unattached now; the cloud does not say since when' }
            : { level: 'high', reason: 'it has been unattached for longer than the threshold' },
      }
    },
  })
}

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

const hourSeconds = 3600

function standardTier(sizeGb: number): string {
  const [tier] = standardTiers.find(([, most]) => sizeGb <= most) ?? ['S80']
  return `${tier} LRS`
}

/** Disks that no running machine uses. */
export const diskRules: readonly Rule[] = [
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
    ...common,
    id: 'aws-volume-on-stopped-instance',
    finds: 'EBS volume of an instance that has been stopped for long',
    clouds: ['aws'],
    kinds: ['volume'],
    thresholds: { days: ours(30, 'days', 'custodian') },
    risk: 'medium',
    effort: 'medium',
    rollbackPossible: true,
    undo: 'Create the volume again from the snapshot and attach it.',
    find: (subject, { now, limit, resource }) => {
      const instance = resource(subject.attachedTo)
      // Another instance that has the disk may run.
      if (instance?.status !== 'stopped' || isShared(subject)) return undefined
      const stopped = daysSince(stoppedAt(instance), now)
      if (stopped === undefined) return { missing: [`since when ${instance.id} has been stopped`] }
      if (stopped < limit.days) return undefined
      return {
        evidence: { instance: instance.id, stoppedDays: stopped },
        change: { ...deleted, from: 'attached' },
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
    find: ({ type, attachedTo, status, sizeGb }, { now, limit, resource }) => {
      const machine = type === 'Premium_LRS' && status !== 'available' ? resource(attachedTo) : undefined
      if (machine?.status !== 'stopped' || textOf(machine, 'code')?.toLowerCase() === 'powerstate/stopped')
        return undefined
      const stopped = daysSince(stoppedAt(machine), now)
      if (stopped === undefined) return { missing: [`since when ${machine.name ?? machine.id} has been deallocated`] }
      if (sizeGb === undefined) return { missing: ['size'] }
      if (stopped < limit.days) return undefined
      return {
        evidence: { deallocatedDays: stopped },
        change: { action: 'change the type', from: 'Premium_LRS', to: 'Standard_LRS' },
        saving: { kind: 'price_of', replaces: ['storage'], targets: [{ part: 'storage', sku: standardTier(sizeGb) }] },
        confidence: { level: 'high', reason: 'a deallocated machine does not read its disk' },
      }
    },
  }),
  rule({
    ...common,
    id: 'azure-premium-disk-underused',
    finds: 'Premium disk that a standard SSD carries',
    clouds: ['azure'],
    kinds: ['volume'],
    windowDays: 14,
    thresholds: {
      operations: ours(250, 'operations a second, half of those of a standard SSD', 'azureDiskTypes'),
      bytes: ours(30e6, 'bytes a second in each direction', 'azureDiskTypes'),
    },
    risk: 'medium',
    effort: 'medium',
    restartNeeded: true,
    rollbackPossible: true,
    undo: 'Change the type back; Azure allows two changes a day.',
    find: ({ type, attachedTo, sizeGb, utilization }, { limit, resource }) => {
      const isRunning = attachedTo !== undefined && resource(attachedTo)?.status !== 'stopped'
      if (type !== 'Premium_LRS' || !isRunning) return undefined
      const answer = quiet(utilization, [
        { metric: 'disk_operations', below: limit.operations * hourSeconds },
        { metric: 'disk_read', below: limit.bytes * hourSeconds },
        { metric: 'disk_write', below: limit.bytes * hourSeconds },
      ])
      if ('busy' in answer) return undefined
      if ('missing' in answer) return answer
      if (sizeGb === undefined) return { missing: ['size'] }
      const sku = standardTier(sizeGb).replace('S', 'E')
      // Standard disks cost by the operation too.
      const quantity = Math.ceil(((utilization?.disk_operations?.average ?? 0) * 24 * 30) / 10_000)
      return {
        evidence: answer.evidence,
        change: { action: 'change the type', from: 'Premium_LRS', to: 'StandardSSD_LRS' },
        saving: {
          kind: 'price_of',
          replaces: ['storage'],
          targets: [
            { part: 'storage', sku },
            { part: 'operations', sku, quantity },
          ],
        },
        confidence: {
          level: 'medium',
          reason: 'averages of hours hide shorter peaks; the uptime that Azure promises one machine is lower',
        },
      }
    },
  }),
]
