import type { Cloud } from '../../kernel/cloud.ts'
import type { ResourceKind } from '../../kernel/resource.ts'
import { inFamily, typeOf } from '../instance-types.ts'
import { type Answer, rule, type Rule } from '../rule.ts'
import { ours, type sources, threshold } from '../sources.ts'
import { numberOf, type Subject, textOf } from '../subject.ts'
import { missingWords, quiet, rounded } from './quiet.ts'
import { resize, toType } from './resize.ts'
import { gravitons, successors, supportedUntil } from './successors.ts'

const common = {
  analyzer: 'right_sizing',
  windowDays: 14,
  risk: 'medium',
  effort: 'medium',
  restartNeeded: true,
  rollbackPossible: true,
  undo: 'Change the type back; the resource restarts.',
} as const

function smaller(id: string, cloud: Cloud, kind: ResourceKind, finds: string, source: keyof typeof sources): Rule {
  return rule({
    ...common,
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

const openSource = new Set(['mysql', 'mariadb', 'postgres', 'aurora-mysql', 'aurora-postgresql'])

function inOtherFamily(subject: Subject, families: ReadonlyMap<string, string>, reason: string): Answer {
  const now = typeOf('aws', subject.type ?? '')
  const family = now && families.get(now.family)
  const target = family === undefined || now === undefined ? undefined : inFamily(now.name, family)
  if (!now || !target || target.memoryGb < now.memoryGb || subject.status === 'stopped') return undefined
  return toType(
    subject,
    now.name,
    target.name,
    { vcpus: target.vcpus, memoryGb: target.memoryGb },
    { level: 'medium', reason },
  )
}

/** Working time ends the week at 108 of 168 hours. */
const offShare = 108 / 168

const fargate = (subject: Subject) =>
  subject.type === 'FARGATE' ||
  JSON.stringify(subject.configuration['capacityProviderStrategy'] ?? '').includes('FARGATE')

/** Half of a capacity is one only if the cloud sells it. */
const halves = (capacity: number | undefined) =>
  capacity !== undefined && capacity >= 4 && capacity % 4 === 0 ? capacity / 2 : undefined

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
    ...common,
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
    ...common,
    id: 'azure-sql-pool-oversized',
    finds: 'SQL elastic pool that half of its capacity carries',
    clouds: ['azure'],
    kinds: ['database'],
    restartNeeded: false,
    undo: 'Raise the capacity again.',
    thresholds: { cpuPercent: ours(40, '% CPU', 'azureElasticPool') },
    find: (subject, { limit }) => {
      const [capacity, half] = [numberOf(subject, 'capacity'), halves(numberOf(subject, 'capacity'))]
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
    ...common,
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
  rule({
    ...common,
    id: 'aws-instance-off-hours',
    finds: 'EC2 instance that works in working time only',
    clouds: ['aws'],
    kinds: ['instance'],
    restartNeeded: true,
    undo: 'Remove the schedule.',
    thresholds: {
      cpuPercent: ours(5, '% CPU outside of working time', 'computeOptimizer'),
      bytes: ours(5e6, 'bytes an hour in each direction', 'trustedAdvisor'),
    },
    find: ({ status, offHours }, { limit }) => {
      const conditions = [
        { metric: 'cpu', below: limit.cpuPercent },
        { metric: 'network_in', below: limit.bytes },
        { metric: 'network_out', below: limit.bytes },
      ] as const
      if (status !== 'running') return undefined
      const answer = quiet(offHours, conditions)
      if ('busy' in answer) return undefined
      if ('missing' in answer) return answer
      return {
        evidence: answer.evidence,
        change: { action: 'start and stop by a schedule', from: '168 hours a week', to: '60 hours a week' },
        saving: { kind: 'share', parts: ['compute', 'license'], share: offShare },
        confidence: { level: 'medium', reason: 'two weeks were alike; work at other times may still be wanted' },
      }
    },
  }),
  rule({
    ...common,
    id: 'aws-previous-generation',
    finds: 'EC2 instance or RDS class of a previous generation',
    clouds: ['aws'],
    kinds: ['instance', 'database'],
    windowDays: 0,
    thresholds: { families: threshold(successors.size, 'families', 'previousGeneration') },
    find: (subject) =>
      inOtherFamily(subject, successors, 'the newer family has as much of all; drivers for ENA and NVMe must be there'),
  }),
  rule({
    ...common,
    id: 'aws-graviton',
    finds: 'EC2 instance with Linux, or RDS database with an open source engine, that Graviton carries',
    clouds: ['aws'],
    kinds: ['instance', 'database'],
    windowDays: 0,
    effort: 'high',
    thresholds: { families: threshold(gravitons.size, 'families', 'graviton') },
    find: (subject) => {
      const isDatabase = subject.kind === 'database'
      const platform = textOf(subject, isDatabase ? 'Engine' : 'PlatformDetails')
      const isPossible = isDatabase ? openSource.has(platform ?? '') : platform === 'Linux/UNIX'
      if (platform === undefined) return { missing: [isDatabase ? 'engine' : 'platform'] }
      if (!isPossible) return undefined
      return inOtherFamily(subject, gravitons, 'the software must exist for arm64')
    },
  }),
  rule({
    ...common,
    id: 'aws-database-extended-support',
    finds: 'RDS database whose engine version is in extended support, which AWS charges for',
    clouds: ['aws'],
    kinds: ['database'],
    windowDays: 0,
    effort: 'high',
    rollbackPossible: false,
    undo: 'None: a major version cannot be taken back. Restore a snapshot from before.',
    thresholds: { versions: threshold(supportedUntil.size, 'versions', 'rdsExtendedSupport') },
    find: (subject, { now }) => {
      const [engine, version] = [textOf(subject, 'Engine'), textOf(subject, 'EngineVersion')]
      if (engine === undefined || version === undefined) return { missing: ['engine and version'] }
      const major = engine.includes('postgres') ? version.split('.')[0] : version.split('.').slice(0, 2).join('.')
      const until = supportedUntil.get(`${engine} ${major}`)
      if (until === undefined || now.toISOString().slice(0, 10) <= until) return undefined
      return {
        evidence: { standardSupportUntil: until },
        change: { action: 'upgrade the major version', from: `${engine} ${version}`, to: 'a supported version' },
        saving: { kind: 'stops_cost', parts: ['extended_support'] },
        confidence: { level: 'high', reason: 'AWS publishes the end of standard support' },
      }
    },
  }),
]
