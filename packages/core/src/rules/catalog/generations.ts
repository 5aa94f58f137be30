import { inFamily, typeOf } from '../sizes/instance-types.ts'
import { type Answer, rule, type Rule } from '../rule.ts'
import { threshold } from '../sources.ts'
import { type Subject, textOf } from '../subject.ts'
import { resizing, toType } from './resize.ts'
import { gravitons, successors, supportedUntil } from './successors.ts'

const openSource = new Set(['mysql', 'mariadb', 'postgres', 'aurora-mysql', 'aurora-postgresql'])

function inOtherFamily(subject: Subject, families: ReadonlyMap<string, string>, reason: string): Answer {
  const now = typeOf('aws', subject.type ?? '')
  const family = now && families.get(now.family)
  const target = family === undefined || now === undefined ? undefined : inFamily(now.name, family)
  if (!now || !target || subject.status === 'stopped') return undefined
  if (target.vcpus < now.vcpus || target.memoryGb < now.memoryGb) return undefined
  return toType(
    subject,
    now.name,
    target.name,
    { vcpus: target.vcpus, memoryGb: target.memoryGb },
    { level: 'medium', reason },
  )
}

/** Families and versions that newer ones replace. */
export const generationRules: readonly Rule[] = [
  rule({
    ...resizing,
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
    ...resizing,
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
    ...resizing,
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
