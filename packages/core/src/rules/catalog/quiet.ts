import type { UtilizationMetric } from '../../kernel/resource.ts'
import type { Evidence } from '../rule.ts'
import { knownShare, type MetricSummary, type Utilization } from '../subject.ts'

/** A metric is quiet if 99 % of the hours are below the level. */
export interface Quiet {
  metric: UtilizationMetric
  below: number
  /** Of the values within the hours, not of their averages. */
  ofPeaks?: boolean
  /** The resource may lack the metric: only a high value says anything. */
  optional?: boolean
}

export type QuietAnswer = { busy: true } | { missing: string[] } | { evidence: Evidence }

/** Busy if one metric is known to be; missing if one is unknown; else the levels. */
export function quiet(utilization: Utilization | undefined, conditions: readonly Quiet[]): QuietAnswer {
  const missing: string[] = []
  const evidence: Record<string, number> = {}
  for (const { metric, below, ofPeaks = false, optional = false } of conditions) {
    const summary = utilization?.[metric]
    const level = ofPeaks ? summary?.peakP99 : summary?.p99
    if (level !== undefined && level >= below) return { busy: true }
    if (level === undefined && !optional) missing.push(missingWords(metric, summary))
    else if (level !== undefined) evidence[`${metric}P99`] = rounded(level)
  }
  return missing.length > 0 ? { missing } : { evidence }
}

export function missingWords(metric: UtilizationMetric, summary: MetricSummary | undefined): string {
  const words = metric.replaceAll('_', ' ')
  if (!summary) return `${words}: no hour is known`
  const { hours, hoursExpected } = summary
  return `${words}: ${hours} of ${hoursExpected} hours are known, ${Math.ceil(hoursExpected * knownShare)} are needed`
}

export const rounded = (value: number): number => Math.round(value * 100) / 100
