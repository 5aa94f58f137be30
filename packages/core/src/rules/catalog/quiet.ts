import type { UtilizationMetric } from '../../kernel/resource.ts'
import type { Evidence } from '../rule.ts'
import { hoursNeeded, type MetricSummary, type Utilization } from '../subject.ts'

/** A metric is quiet if 99 % of the hours are below the level. */
export interface Quiet {
  metric: UtilizationMetric
  below: number
  /** No known hour may reach it: a job of an hour a week is work. */
  isEver?: boolean
  /** Of the values within the hours, not of their averages. */
  ofPeaks?: boolean
  /** The resource may lack the metric: only a high value says anything. */
  optional?: boolean
}

/** What goes over the network in both directions on a mean day, in bytes. */
export interface QuietNetwork {
  networkBelow: number
}

export type QuietAnswer = { busy: true } | { missing: string[] } | { evidence: Evidence }

/** Busy if one metric is known to be; missing if one is unknown; else the levels. */
export function quiet(
  utilization: Utilization | undefined,
  conditions: readonly (Quiet | QuietNetwork)[],
): QuietAnswer {
  const missing: string[] = []
  const evidence: Record<string, number> = {}
  for (const condition of conditions) {
    const { name, levels, below, lacking } =
      'networkBelow' in condition ? networkOf(utilization, condition) : levelOf(utilization, condition)
    const level = levels.reduce((sum, one) => sum + one, 0)
    if (levels.length > 0 && level >= below) return { busy: true }
    missing.push(...lacking)
    if (lacking.length === 0 && levels.length > 0) evidence[name] = rounded(level)
  }
  return missing.length > 0 ? { missing: [...new Set(missing)] } : { evidence }
}

interface Measured {
  name: string
  /** Of the metrics that are known. */
  levels: number[]
  below: number
  lacking: string[]
}

function levelOf(utilization: Utilization | undefined, condition: Quiet): Measured {
  const { metric, below, isEver = false, ofPeaks = false, optional = false } = condition
  const summary = utilization?.[metric]
  const usual = ofPeaks ? summary?.peakP99 : summary?.p99
  // One busy hour is enough, however many are unknown.
  const level = isEver && (usual !== undefined || (summary?.maximum ?? 0) >= below) ? summary?.maximum : usual
  const lacking = level === undefined && !optional ? [missingWords(metric, summary)] : []
  const name = isEver ? `${metric}Maximum` : `${metric}${ofPeaks ? 'Peak' : ''}P99`
  return { name, levels: level === undefined ? [] : [level], below, lacking }
}

/** The mean of the known hours; enough of them must be known. */
function networkOf(utilization: Utilization | undefined, { networkBelow: below }: QuietNetwork): Measured {
  const [levels, lacking]: [number[], string[]] = [[], []]
  for (const metric of ['network_in', 'network_out'] as const) {
    const summary = utilization?.[metric]
    if (summary?.p99 === undefined) lacking.push(missingWords(metric, summary))
    else levels.push(summary.average * hoursOfDay)
  }
  return { name: 'networkBytesPerDay', levels, below, lacking }
}

const hoursOfDay = 24

export function missingWords(metric: UtilizationMetric, summary: MetricSummary | undefined): string {
  const words = metric.replaceAll('_', ' ')
  if (!summary) return `${words}: no hour is known`
  const { hours, hoursExpected } = summary
  return `${words}: ${hours} of ${hoursExpected} hours are known, ${hoursNeeded(hoursExpected)} are needed`
}

/** No cloud measures it by itself. */
export const acceleratorUse = 'use of the GPU or accelerator'

export const rounded = (value: number): number => Math.round(value * 100) / 100
