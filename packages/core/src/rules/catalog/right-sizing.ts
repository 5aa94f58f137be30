import type { Cloud } from '../../kernel/cloud.ts'
import type { ResourceKind } from '../../kernel/resource.ts'
import { rule, type Rule } from '../rule.ts'
import { ours, type sources } from '../sources.ts'
import { numberOf, type Subject, textOf } from '../subject.ts'
import { hasAccelerator } from '../sizes/accelerator.ts'
import { clusterNodes } from './cluster-nodes.ts'
import { functionMemory } from './function-memory.ts'
import { acceleratorUse, missingWords, quiet, rounded } from './quiet.ts'
import { resize, resizing } from './resize.ts'

function smaller(id: string, cloud: Cloud, kind: ResourceKind, finds: string, source: keyof typeof sources): Rule {
  return rule({
    ...resizing,
    id,
    finds,
    clouds: [cloud],
    kinds: [kind],
    thresholds: {
      cpuPercent: ours(80, '% CPU of the smaller size', source),
      memoryPercent: ours(80, '% memory of the smaller size', source),
    },
    find: (subject, { limit }) => resize(subject, limit),
  })
}

const fargate = (subject: Subject) =>
  subject.type === 'FARGATE' ||
  JSON.stringify(subject.configuration['capacityProviderStrategy'] ?? '').includes('FARGATE')

/** Half of a capacity is one only if the cloud sells it. */
const halves = (capacity: number | undefined) =>
  capacity !== undefined && capacity >= 4 && capacity % 4 === 0 ? capacity / 2 : undefined

/** By tier: https://learn.microsoft.com/azure/azure-sql/database/resource-limits-dtu-elastic-pools */
const elasticDtus: Partial<Record<string, readonly number[]>> = {
  Basic: [50, 100, 200, 300, 400, 800, 1200, 1600],
  Standard: [50, 100, 200, 300, 400, 800, 1200, 1600, 2000, 2500, 3000],
  Premium: [125, 250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000],
}

/** Of vCores, or of the eDTUs of a tier. */
function halfPool(subject: Subject): number | undefined {
  const sold = elasticDtus[textOf(subject, 'tier') ?? '']
  const capacity = numberOf(subject, 'capacity')
  return sold ? sold.find((size) => size * 2 === capacity) : halves(capacity)
}

export const rightSizingRules: readonly Rule[] = [
  smaller(
    'aws-instance-oversized',
    'aws',
    'instance',
    'EC2 instance that a smaller size carries',
    'computeOptimizerHeadroom',
  ),
  smaller(
    'azure-instance-oversized',
    'azure',
    'instance',
    'Virtual machine that a smaller size carries',
    'advisorResize',
  ),
  smaller('gcp-instance-oversized', 'gcp', 'instance', 'VM that a smaller size carries', 'gcpResize'),
  smaller(
    'aws-database-oversized',
    'aws',
    'database',
    'RDS database that a smaller class carries',
    'computeOptimizerHeadroom',
  ),
  rule({
    ...resizing,
    id: 'gcp-database-oversized',
    finds: 'Cloud SQL instance that half of its CPUs and memory carry',
    clouds: ['gcp'],
    kinds: ['database'],
    thresholds: {
      cpuPercent: ours(40, '% CPU', 'gcpSqlResize'),
      memoryPercent: ours(40, '% memory', 'gcpSqlResize'),
    },
    find: ({ type = '', status, utilization }, { limit }) => {
      const [, cpus, memory] = /^db-custom-(\d+)-(\d+)$/.exec(type) ?? []
      const half = halves(Number(cpus))
      if (half === undefined || status === 'stopped') return undefined
      const answer = quiet(utilization, [
        { metric: 'cpu', below: limit.cpuPercent, ofPeaks: true },
        { metric: 'memory', below: limit.memoryPercent, ofPeaks: true },
      ])
      if ('busy' in answer) return undefined
      if ('missing' in answer) return answer
      const to = `db-custom-${half}-${Number(memory) / 2}`
      return {
        evidence: answer.evidence,
        change: { action: 'change the tier', from: type, to },
        saving: { kind: 'share', parts: ['compute'], share: 0.5 },
        confidence: {
          level: 'high',
          reason: 'CPU and memory of 14 days fit the half; Cloud SQL bills both by the unit',
        },
      }
    },
  }),
  rule({
    ...resizing,
    id: 'azure-sql-pool-oversized',
    finds: 'SQL elastic pool that half of its capacity carries',
    clouds: ['azure'],
    kinds: ['database'],
    restartNeeded: false,
    undo: 'Raise the capacity again.',
    thresholds: { cpuPercent: ours(40, '% CPU', 'azureElasticPool') },
    find: (subject, { limit }) => {
      const [capacity, half] = [numberOf(subject, 'capacity'), halfPool(subject)]
      if (!subject.id.toLowerCase().includes('/elasticpools/') || half === undefined) return undefined
      const answer = quiet(subject.utilization, [{ metric: 'cpu', below: limit.cpuPercent, ofPeaks: true }])
      if ('busy' in answer) return undefined
      if ('missing' in answer) return answer
      return {
        evidence: answer.evidence,
        change: { action: 'lower the capacity', from: `${capacity}`, to: `${half}` },
        saving: { kind: 'share', parts: ['compute'], share: 0.5 },
        confidence: { level: 'medium', reason: 'CPU fits the half; memory and the log rate are not measured' },
      }
    },
  }),
  rule({
    ...resizing,
    id: 'aws-service-oversized',
    finds: 'Service of ECS on Fargate with more tasks than it needs',
    clouds: ['aws'],
    kinds: ['container_service'],
    effort: 'low',
    restartNeeded: false,
    undo: 'Raise the number of tasks again.',
    thresholds: { percent: ours(80, '% CPU and memory of the remaining tasks', 'computeOptimizerHeadroom') },
    find: (subject, { limit }) => {
      const tasks = numberOf(subject, 'desiredCount')
      if (tasks === undefined || tasks < 2 || !fargate(subject)) return undefined
      const { cpu, memory } = subject.utilization ?? {}
      const levels = [cpu?.peakP99, memory?.peakP99].filter((level) => level !== undefined)
      // Two tasks stay, so that one may fail.
      const needed = Math.max(2, Math.ceil((tasks * Math.max(0, ...levels)) / limit.percent))
      if (needed >= tasks) return undefined
      if (levels.length < 2)
        return {
          missing: [
            ...(cpu?.peakP99 === undefined ? [missingWords('cpu', cpu)] : []),
            ...(memory?.peakP99 === undefined ? [missingWords('memory', memory)] : []),
          ],
        }
      return {
        evidence: { cpuPeakP99: rounded(levels[0] ?? 0), memoryPeakP99: rounded(levels[1] ?? 0) },
        change: { action: 'lower the number of tasks', from: `${tasks} tasks`, to: `${needed} tasks` },
        saving: { kind: 'share', parts: ['compute'], share: (tasks - needed) / tasks },
        confidence: { level: 'medium', reason: 'the mean of all tasks hides an uneven load' },
      }
    },
  }),
  clusterNodes,
  functionMemory,
  rule({
    ...resizing,
    id: 'aws-instance-off-hours',
    finds: 'EC2 instance that works in working time only',
    clouds: ['aws'],
    kinds: ['instance'],
    restartNeeded: true,
    undo: 'Remove the schedule.',
    thresholds: {
      cpuPercent: ours(5, '% CPU at the peaks outside of working time', 'computeOptimizer'),
      bytes: ours(5e6, 'bytes a day, in and out, at the rate outside of working time', 'computeOptimizer'),
    },
    find: (subject, { limit }) => {
      const { status, utilization, offHours } = subject
      const conditions = [
        { metric: 'cpu', below: limit.cpuPercent, ofPeaks: true },
        { networkBelow: limit.bytes },
      ] as const
      const ran = utilization?.cpu
      const ranOff = offHours?.cpu
      // All hours are known, and none of them was outside of working time.
      const isAway = ran !== undefined && ran.hours >= ran.hoursExpected && !ranOff
      if (status !== 'running' || isAway) return undefined
      const answer = quiet(offHours, conditions)
      if ('busy' in answer) return undefined
      if ('missing' in answer) return answer
      if (!ran || !ranOff) return { missing: [missingWords('cpu', ran)] }
      if (hasAccelerator(subject)) return { missing: [acceleratorUse] }
      const [all, off] = [ran.hoursExpected, ranOff.hoursExpected]
      const weekly = (hours: number) => `${Math.round(hours / 2)} hours a week`
      return {
        evidence: answer.evidence,
        change: { action: 'start and stop by a schedule', from: weekly(all), to: weekly(all - off) },
        saving: { kind: 'share', parts: ['compute', 'license'], share: off / all, isOfTime: true },
        confidence: { level: 'medium', reason: 'two weeks were alike; work at other times may still be wanted' },
      }
    },
  }),
]
