import { normalQuantile, random } from '../series/numeric.ts'
import type { Outcome } from './ensemble.ts'
import { settings } from './settings.ts'

/** Widths of the error at each step ahead, and the distribution of errors divided by their width. */
export interface Calibration {
  /** Mean absolute error expected at each step ahead. */
  width: Float64Array
  /** Errors of each origin divided by their width, oldest origin first; NaN where the value is unknown. */
  paths: Float64Array[]
  /** Weight of each origin: older ones count less. */
  weights: number[]
  /** Sizes of the errors divided by their width, ascending, with the share of the weight up to each. */
  sizes: Float64Array
  shares: Float64Array
  /** Forecasts without common values that the sample is worth, and independent errors. */
  separate: number
  evidence: number
}

/** Non-decreasing values nearest to the given ones (pool adjacent violators, Ayer et al., 1955). */
function monotone(values: Float64Array, weights: Float64Array): Float64Array {
  const blocks: { value: number; weight: number; size: number }[] = []
  for (let i = 0; i < values.length; i++) {
    let block = { value: values[i] ?? 0, weight: weights[i] ?? 0, size: 1 }
    for (let last = blocks.at(-1); last && last.value >= block.value; last = blocks.at(-1)) {
      blocks.pop()
      const weight = last.weight + block.weight
      const value = weight > 0 ? (last.value * last.weight + block.value * block.weight) / weight : last.value
      block = { value, weight, size: last.size + block.size }
    }
    blocks.push(block)
  }
  return Float64Array.from(blocks.flatMap(({ value, size }) => Array.from({ length: size }, () => value)))
}

/** Weights of residuals fall with age (Barber, Candes, Ramdas and Tibshirani, 2023, non-exchangeable conformal). */
export function calibrate({ origins, errors, count, horizon, period, units }: Outcome): Calibration {
  const weights = origins.map((_, k) => settings.errorAge ** ((origins.length - 1 - k) / Math.max(1, origins.length)))
  const longest = Math.max(1, ...errors.map((path) => path.length))
  const [sums, seen] = [new Float64Array(longest), new Float64Array(longest)]
  const each = (visit: (error: number, k: number, h: number, phase: number) => void) => {
    for (const [k, path] of errors.entries())
      for (let h = 0; h < path.length; h++) {
        const error = path[h] ?? Number.NaN
        if (!Number.isNaN(error)) visit(error, k, h, ((origins[k] ?? 0) + h) % period)
      }
  }
  each((error, k, h) => {
    sums[h] = (sums[h] ?? 0) + (weights[k] ?? 0) * Math.abs(error)
    seen[h] = (seen[h] ?? 0) + (weights[k] ?? 0)
  })
  const typical = monotone(
    sums.map((sum, h) => sum / Math.max(1e-300, seen[h] ?? 0)),
    seen,
  )
  const widthAt = (h: number) =>
    h < longest ? (typical[h] ?? 0) : (typical[longest - 1] ?? 0) * Math.sqrt((h + 1) / longest)
  const [phaseSums, phaseSeen] = [new Float64Array(period), new Float64Array(period)]
  each((error, k, h, phase) => {
    if (widthAt(h) <= 0) return
    phaseSums[phase] = (phaseSums[phase] ?? 0) + ((weights[k] ?? 0) * Math.abs(error)) / widthAt(h)
    phaseSeen[phase] = (phaseSeen[phase] ?? 0) + (weights[k] ?? 0)
  })
  const factors = phaseSums.map((sum, phase) => (sum + settings.shrink) / ((phaseSeen[phase] ?? 0) + settings.shrink))
  const widthOf = (origin: number, h: number) => widthAt(h) * (factors[(origin + h) % period] ?? 1)
  const paths = errors.map((path, k) =>
    path.map((error, h) => (error === 0 ? 0 : error / Math.max(1e-300, widthOf(origins[k] ?? 0, h)))),
  )
  const sample: [size: number, weight: number][] = []
  for (const [k, path] of paths.entries())
    for (const error of path) if (!Number.isNaN(error)) sample.push([Math.abs(error), weights[k] ?? 0])
  sample.sort(([a], [b]) => a - b)
  const total = sample.reduce((sum, [, weight]) => sum + weight, 0)
  let running = 0
  const shares = Float64Array.from(sample, ([, weight]) => (running += weight) / total)
  // Errors of overlapping forecasts repeat each other: an origin is worth the share of its path that is new.
  const spacing = origins.length > 1 ? (count - (origins[0] ?? 0)) / origins.length : 1
  const separate = origins.length * Math.min(1, spacing / longest)
  return {
    width: Float64Array.from({ length: horizon }, (_, h) => widthOf(count, h) * (units[h] ?? 1)),
    paths,
    weights,
    sizes: Float64Array.from(sample, ([size]) => size),
    shares,
    separate,
    evidence: separate * Math.sqrt(longest),
  }
}

const clampLevel = (level: number, most = 1 - 1e-9) => Math.min(Math.max(level, 0), most)

/** Factor on an interval of a level: its width is estimated, so Student's quantile replaces the normal one. */
export function caution({ separate }: Calibration, level: number): number {
  const z = normalQuantile((1 + clampLevel(level)) / 2)
  return settings.caution * (1 + (z * z + 1) / (4 * settings.freedom * separate + 1))
}

/** Factor by which a normal tail widens the interval of one level to that of a higher one. */
export const tail = (from: number, to: number) =>
  from > 0 && to > from ? normalQuantile((1 + to) / 2) / normalQuantile((1 + from) / 2) : 1

/** Half of an interval's width, in widths: a quantile of the sizes, with a normal tail beyond the sample. */
export function reach(calibration: Calibration, level: number): number {
  const { sizes, shares, evidence } = calibration
  if (sizes.length === 0) return 0
  const asked = clampLevel(level)
  const seen = clampLevel(asked, 1 - 2 / (evidence + 4))
  let [low, high] = [0, shares.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((shares[middle] ?? 1) < seen) low = middle + 1
    else high = middle
  }
  return (sizes[low] ?? 0) * tail(seen, asked) * caution(calibration, asked)
}

/** Simulated sums of the errors from `from` to `to`, ascending: random paths of past errors, with random sign. */
export function simulateTotals(calibration: Calibration, from: number, to: number, count: number): Float64Array {
  const { width, paths, weights, sizes } = calibration
  const next = random(20_011)
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0)
  const draw = () => {
    let left = next() * totalWeight
    return Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) <= 0),
    )
  }
  const sums = new Float64Array(sizes.length > 0 ? count : 1)
  for (let i = 0; i < sums.length && sizes.length > 0; i++) {
    const sign = next() < 0.5 ? -1 : 1
    let path = draw()
    for (let h = 0; h < to; h++) {
      let error = paths[path]?.[h]
      for (let tries = 0; (error === undefined || Number.isNaN(error)) && tries < 10; tries++) {
        path = draw()
        const other = paths[path] ?? width
        error = other[h % Math.max(1, other.length)]
      }
      if (error === undefined || Number.isNaN(error)) error = sizes[Math.floor(next() * sizes.length)] ?? 0
      if (h >= from) sums[i] = (sums[i] ?? 0) + sign * error * (width[h] ?? 0)
    }
  }
  return sums.sort()
}
