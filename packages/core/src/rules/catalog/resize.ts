import { hasAccelerator } from '../sizes/accelerator.ts'
import { inFamily, type InstanceType, smallerThan, typeOf } from '../sizes/instance-types.ts'
import type { Answer, Confidence, Evidence, Target, Verdict } from '../rule.ts'
import { type Subject, textOf } from '../subject.ts'
import { acceleratorUse, missingWords, rounded } from './quiet.ts'

/** What rules about sizes have in common. */
export const resizing = {
  analyzer: 'right_sizing',
  windowDays: 14,
  risk: 'medium',
  effort: 'medium',
  restartNeeded: true,
  rollbackPossible: true,
  undo: 'Change the type back; the resource restarts.',
} as const

export interface Limits {
  cpuPercent: number
  memoryPercent: number
}

/** Of the baseline that AWS publishes for a type. */
const networkShare = 0.8

/** The share of its CPUs that a burstable instance may use all the time, in percent. */
const baselines: Partial<Record<string, number>> = {
  nano: 5,
  micro: 10,
  small: 20,
  medium: 20,
  large: 30,
  xlarge: 22.5,
  '2xlarge': 17,
}

/**
 * The same of Azure, by the end of the name:
 * https://learn.microsoft.com/azure/virtual-machines/sizes/general-purpose/bv1-series
 */
const azureBaselines: Partial<Record<string, number>> = { '1s': 10, '2s': 20, '1ms': 20, '2ms': 30, '4ms': 22.5 }
const leastBaseline = 16.8

/** Undefined for types that are not burstable. */
function baselineOf({ name, family }: InstanceType): number | undefined {
  if (/^t\d/.test(family)) return baselines[name.slice(name.lastIndexOf('.') + 1)] ?? 0
  const [, size] = /^Standard_B(\d+m?s)$/.exec(name) ?? []
  return size === undefined ? undefined : (azureBaselines[size] ?? leastBaseline)
}

/** What prices of compute depend on beside the type. */
export function variantOf(subject: Subject): string | undefined {
  if (subject.kind === 'database') {
    const engine = textOf(subject, 'Engine')
    return engine && `${engine} ${subject.configuration['MultiAZ'] === true ? 'Multi-AZ' : 'Single-AZ'}`
  }
  // With Azure Hybrid Benefit, Windows costs as much as Linux.
  if (textOf(subject, 'licenseType')?.startsWith('Windows')) return 'Linux'
  return textOf(subject, 'PlatformDetails') ?? textOf(subject, 'osType')
}

export function computeOf(subject: Subject, sku: string): Target {
  const variant = variantOf(subject)
  return { part: 'compute', sku, ...(variant !== undefined && { variant }) }
}

/** The smallest type of the family that carries the use of the window with headroom. */
export function resize(subject: Subject, limits: Limits): Answer {
  const { cloud, type = '', utilization, kind } = subject
  const now = typeOf(cloud, type)
  // A serverless database has no size.
  if (subject.status === 'stopped' || type === '' || type === 'db.serverless') return undefined
  const level = utilization?.cpu?.peakP99
  if (level === undefined) return { missing: [missingWords('cpu', utilization?.cpu)] }
  // No smaller size could carry it, whatever the sizes are.
  if (!now) return level > limits.cpuPercent ? undefined : { missing: [`size of the type ${type}`] }
  const fits = (to: InstanceType) => level * (now.vcpus / to.vcpus) <= limits.cpuPercent && carries(subject, now, to)
  const smaller = smallerThan(cloud, type).filter(fits)
  if (smaller.length === 0) return undefined
  if (kind === 'instance' && hasAccelerator(subject)) return { missing: [acceleratorUse] }
  const memory = utilization?.memory?.peakP99
  if (memory !== undefined) {
    const target = smaller.find((to) => memory * (now.memoryGb / to.memoryGb) <= limits.memoryPercent)
    return target && resized(subject, now, target, kind === 'database' ? databaseFits : instanceFits)
  }
  const [target, confidence] = kind === 'database' ? withSameMemory(subject, now, fits) : nextSmaller(smaller, now)
  return target ? resized(subject, now, target, confidence) : { missing: [missingWords('memory', utilization?.memory)] }
}

const instanceFits: Confidence = {
  level: 'high',
  reason: 'CPU and memory of 14 days fit the smaller size with headroom',
}
/** RDS counts the cache of the operating system as free. */
const databaseFits: Confidence = {
  level: 'medium',
  reason: 'CPU and the memory of the engine fit; less memory caches fewer files, so more is read from the disk',
}

/** Without values of memory: one size down only. */
function nextSmaller(smaller: readonly InstanceType[], now: InstanceType): [InstanceType | undefined, Confidence] {
  const target = smaller.findLast(({ memoryGb }) => memoryGb >= now.memoryGb / 2)
  return [target, { level: 'medium', reason: 'CPU fits; memory is not reported, so the size goes down by one step' }]
}

/** A database uses all its memory as a cache: m5.2xlarge becomes r5.xlarge, which has as much. */
function withSameMemory(
  { type = '' }: Subject,
  now: InstanceType,
  fits: (to: InstanceType) => boolean,
): [InstanceType | undefined, Confidence] {
  const sibling = /^m\d/.test(now.family) ? inFamily(type, now.family.replace('m', 'r')) : undefined
  const smaller = sibling ? smallerThan('aws', sibling.name) : []
  const target = smaller.find((to) => to.memoryGb >= now.memoryGb && fits(to))
  return [target, { level: 'medium', reason: 'CPU fits; memory is not reported, and stays the same' }]
}

/** Network, and the baseline of burstable types. */
function carries({ utilization = {} }: Subject, now: InstanceType, to: InstanceType): boolean {
  const bytes = (utilization.network_in?.p99 ?? 0) + (utilization.network_out?.p99 ?? 0)
  const gbps = (bytes * 8) / 3600 / 1e9
  if (to.networkGbps !== undefined && gbps > to.networkGbps * networkShare) return false
  const baseline = baselineOf(to)
  if (baseline === undefined) return true
  return (utilization.cpu?.p99 ?? 100) * (now.vcpus / to.vcpus) <= baseline
}

function resized(subject: Subject, now: InstanceType, to: InstanceType, confidence: Confidence): Answer {
  const { type = '', utilization = {} } = subject
  const { cpu, memory } = utilization
  const evidence: Record<string, string | number> = { vcpus: `${now.vcpus} -> ${to.vcpus}` }
  evidence['memoryGb'] = `${now.memoryGb} -> ${to.memoryGb}`
  if (cpu?.peakP99 !== undefined) evidence['cpuPeakP99'] = rounded(cpu.peakP99)
  if (memory?.peakP99 !== undefined) evidence['memoryPeakP99'] = rounded(memory.peakP99)
  const verdict = toType(subject, type, to.name, evidence, confidence)
  // Google Cloud bills CPUs and memory by the unit, at one price in a series.
  const share = 1 - to.vcpus / now.vcpus
  return subject.cloud === 'gcp' ? { ...verdict, saving: { kind: 'share', parts: ['compute'], share } } : verdict
}

export function toType(
  subject: Subject,
  from: string,
  to: string,
  evidence: Evidence,
  confidence: Confidence,
): Verdict {
  return {
    evidence,
    change: { action: 'change the type', from, to },
    saving: { kind: 'price_of', replaces: ['compute'], targets: [computeOf(subject, to)] },
    confidence,
  }
}
