import { volumeLimits } from '../../kernel/volume-limits.ts'
import { ours, threshold } from '../sources.ts'
import { rule, type Rule, type Verdict } from '../rule.ts'
import { missingWords, rounded } from './quiet.ts'

const online = {
  analyzer: 'storage_optimization',
  clouds: ['aws'],
  kinds: ['volume'],
  windowDays: 14,
  risk: 'low',
  effort: 'low',
  restartNeeded: false,
  rollbackPossible: true,
} as const

/** gp2 has 128 MB a second up to 170 GiB, and 250 above; 3 operations a second for each GiB, from 100 to 16,000. */
function gp2Limits(sizeGb: number): { iops: number; throughput: number } {
  return { iops: Math.min(16_000, Math.max(100, 3 * sizeGb)), throughput: sizeGb <= 170 ? 128 : 250 }
}

const limits = volumeLimits.gp3
/** What gp3 includes. */
const gp3 = { iops: limits.iops[0], throughput: limits.throughputMb[0] }

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

/** EBS volumes of another type or with fewer operations, changed while in use. */
export const volumeTypeRules: readonly Rule[] = [
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
      const now = gp2Limits(sizeGb)
      return {
        evidence: { sizeGb, iops: now.iops, throughputMb: now.throughput },
        change: { action: 'change the type', from: 'gp2', to: 'gp3' },
        saving: toGp3(now),
        confidence: { level: 'high', reason: 'gp3 is set to the same operations and throughput' },
      }
    },
  }),
  rule({
    ...online,
    id: 'aws-volume-io1',
    finds: 'EBS volume of type io1 that gp3 can carry',
    thresholds: {
      iops: threshold(limits.iops[1], 'operations a second, as many as gp3 has', 'volumeTypes'),
      throughput: threshold(1000, 'MiB a second, as many as io1 has', 'volumeTypes'),
    },
    risk: 'medium',
    undo: backToType,
    find: ({ type, iops, configuration }, { limit }) => {
      if (type !== 'io1' || configuration['MultiAttachEnabled'] === true) return undefined
      if (iops === undefined) return { missing: ['operations a second'] }
      if (iops > limit.iops) return undefined
      // io1 moves at most 256 KiB with one operation, and gp3 has a MiB a second for 4 operations at most.
      const throughput = Math.min(limit.throughput, Math.floor(iops / 4))
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
]
