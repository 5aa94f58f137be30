import type { Case } from './kinds.ts'

/** A forecast with the bounds of one level. */
export interface Answer {
  id: string
  method: string
  mean: number[]
  lower: number[]
  upper: number[]
}

/** Scores of one series; the mean absolute error in percent is symmetric, as in the M4 competition. */
export interface Scores {
  mase: number
  smapePercent: number
  coverage: number
  /** Mean scaled interval score (Gneiting and Raftery, 2007). */
  msis: number
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Scores an answer; values that are NaN are unknown. */
export function scoresOf(
  { values, actual, period }: Case,
  answer: Omit<Answer, 'id' | 'method'>,
  level: number,
): Scores {
  const steps = values.map((value, i) => Math.abs((value ?? Number.NaN) - (values[i - period] ?? Number.NaN)))
  const scale = mean(steps.filter(Number.isFinite))
  const known = actual.flatMap((value, h) =>
    Number.isNaN(value)
      ? []
      : [{ value, guess: answer.mean[h] ?? 0, low: answer.lower[h] ?? 0, high: answer.upper[h] ?? 0 }],
  )
  const outside = ({ value, low, high }: (typeof known)[number]) => Math.max(0, low - value, value - high)
  return {
    mase: mean(known.map(({ value, guess }) => Math.abs(value - guess))) / scale,
    smapePercent: mean(
      known.map(({ value, guess }) => (200 * Math.abs(value - guess)) / (Math.abs(value) + Math.abs(guess) || 1)),
    ),
    coverage: mean(known.map((one) => (outside(one) === 0 ? 1 : 0))),
    msis: mean(known.map((one) => one.high - one.low + (2 / (1 - level)) * outside(one))) / scale,
  }
}

/** Overall weighted average of the M4 competition (Makridakis, Spiliotis and Assimakopoulos, 2020): 1 is `naive2`. */
export function owa(scores: readonly Scores[], references: readonly Scores[]): number {
  const ratio = (of: (one: Scores) => number) => mean(scores.map(of)) / mean(references.map(of))
  return (ratio(({ mase }) => mase) + ratio(({ smapePercent }) => smapePercent)) / 2
}

/** The last value, with multiplicative seasons if their autocorrelation passes a test at 90 % (the benchmark of M4). */
export function naive2({ values, actual, period }: Pick<Case, 'values' | 'actual' | 'period'>): number[] {
  const filled: number[] = []
  for (const value of values) filled.push(value ?? filled.at(-1) ?? values.find((other) => other !== null) ?? 0)
  const seasons = isSeasonal(filled, period) ? seasonsOf(filled, period) : [1]
  const at = (index: number) => seasons[index % seasons.length] || 1
  const last = (filled.at(-1) ?? 0) / at(filled.length - 1)
  return actual.map((_, h) => last * at(filled.length + h))
}

function isSeasonal(values: readonly number[], period: number): boolean {
  if (period < 2 || values.length < 3 * period) return false
  const center = mean(values)
  const rest = values.map((value) => value - center)
  const product = (lag: number) => rest.slice(lag).reduce((sum, value, i) => sum + value * (rest[i] ?? 0), 0)
  const correlations = Array.from({ length: period }, (_, lag) => product(lag + 1) / product(0))
  const spread = correlations.slice(0, -1).reduce((sum, value) => sum + 2 * value * value, 1)
  return Math.abs(correlations.at(-1) ?? 0) > 1.645 * Math.sqrt(spread / values.length)
}

/** Mean ratio of the values to their centered moving average at each phase; the mean of all phases is 1. */
function seasonsOf(values: readonly number[], period: number): number[] {
  const half = period >> 1
  const trend = (i: number) => {
    const window = values.slice(i - half, i + half + 1)
    return period % 2 ? mean(window) : (mean(window.slice(1)) + mean(window.slice(0, -1))) / 2
  }
  const phases = Array.from({ length: period }, () => [] as number[])
  for (let i = half; i < values.length - half; i++) phases[i % period]?.push((values[i] ?? 0) / trend(i))
  const seasons = phases.map(mean)
  return seasons.map((season) => season / mean(seasons))
}
