import { rule } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { knownShare, type MetricSummary, numberOf } from '../subject.ts'
import { rounded } from './quiet.ts'
import { resizing } from './resize.ts'

const mb = 1024 ** 2
const leastMb = 128
/** Of the sizes that the rule proposes; AWS takes every MB. */
const stepMb = 64

/** Why a metric of an extension cannot stand for the hours in which the function ran; undefined if it can. */
function gapOf(words: string, summary: MetricSummary | undefined, ran: MetricSummary): string | undefined {
  if (!summary) return `${words}: no hour is known; Lambda Insights reports it where the function has its extension`
  return summary.hours < ran.hours * knownShare
    ? `${words}: Lambda Insights reported ${summary.hours} of the ${ran.hours} hours with invocations`
    : undefined
}

/** Lambda gives CPU in proportion to memory, so a smaller size must carry the memory and the CPU time. */
export const functionMemory = rule({
  ...resizing,
  id: 'aws-function-oversized',
  finds: 'Lambda function with more memory than it needs',
  clouds: ['aws'],
  kinds: ['function'],
  effort: 'low',
  restartNeeded: false,
  undo: 'Set the memory back.',
  thresholds: {
    memoryPercent: ours(80, '% of the smaller memory', 'lambdaMemory'),
    cpuPercent: ours(80, '% CPU of the smaller memory', 'lambdaMemory'),
    vcpuMb: threshold(1769, 'MB for one vCPU', 'lambdaMemory'),
    hours: ours(24, 'hours with invocations', 'lambdaInsights'),
  },
  find: (subject, { limit }) => {
    const size = numberOf(subject, 'MemorySize')
    const { memory_used: memory, cpu_time: cpuTime, duration, requests } = subject.utilization ?? {}
    // Without invocations there is no duration to pay for.
    if (size === undefined || size <= leastMb || !requests || !duration || duration.average <= 0) return undefined
    const usedMb = (memory?.maximum ?? 0) / mb
    const vcpus = (cpuTime?.average ?? 0) / duration.average
    const needed = Math.max(usedMb / (limit.memoryPercent / 100), (vcpus * limit.vcpuMb) / (limit.cpuPercent / 100))
    const target = Math.max(leastMb, Math.ceil(needed / stepMb) * stepMb)
    if (target >= size) return undefined
    const gaps = [gapOf('memory', memory, requests), gapOf('CPU time', cpuTime, duration)]
    const missing = gaps.filter((gap) => gap !== undefined)
    if (missing.length > 0) return { missing }
    const hours = memory?.hours ?? 0
    if (hours < limit.hours) return { missing: [`memory: ${hours} hours are known, ${limit.hours} are needed`] }
    return {
      evidence: { usedMbMaximum: rounded(usedMb), vcpusMean: rounded(vcpus) },
      change: { action: 'set the memory', from: `${size} MB`, to: `${target} MB` },
      saving: { kind: 'share', parts: ['compute'], share: (size - target) / size },
      confidence: {
        level: 'medium',
        reason: 'the memory and the mean CPU time fit; a phase that only computes may take longer',
      },
    }
  },
})
