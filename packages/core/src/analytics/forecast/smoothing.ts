import { minimize } from '../series/numeric.ts'

/** Parameters: level, slope and season (shares of the last error), damping of the slope, autocorrelation of errors. */
type Parameters = Float64Array

/** Lowest and highest value of each parameter: alpha, beta (as a share of alpha), phi, rho, gamma of each period. */
const lowest = [0.01, 0, 0.8, 0, 0, 0]
const highest = [0.99, 0.5, 0.98, 0.95, 0.6, 0.6]
const first = [0.3, 0.05, 0.95, 0.1, 0.1, 0.1]
const steps = [0.2, 0.1, -0.05, 0.3, 0.1, 0.1]

const clamp = (value: number, index: number) => Math.min(highest[index] ?? 1, Math.max(lowest[index] ?? 0, value))

/**
 * Damped additive exponential smoothing with any number of seasons (Gardner and McKenzie, 1985; Taylor, 2003) and
 * first-order autocorrelation of its errors. Writes the forecast after the last value to `out`, and returns the mean
 * squared one-step error without the start-up.
 */
export function smooth(
  values: Float64Array,
  count: number,
  starts: readonly Float64Array[],
  parameters: Parameters,
  out?: Float64Array,
): number {
  const alpha = clamp(parameters[0] ?? 0, 0)
  const beta = clamp(parameters[1] ?? 0, 1) * alpha
  const phi = clamp(parameters[2] ?? 0, 2)
  const rho = clamp(parameters[3] ?? 0, 3)
  const gamma = clamp(parameters[4] ?? 0, 4) * (1 - alpha)
  const gamma2 = clamp(parameters[5] ?? 0, 5) * (1 - alpha)
  const one = starts[0]?.slice() ?? new Float64Array(1)
  const two = starts[1]?.slice() ?? new Float64Array(1)
  const isSeasonal = starts.length > 0 ? 1 : 0
  const isDouble = starts.length > 1 ? 1 : 0
  const warm = Math.min(count >> 1, Math.max(10, one.length, two.length))
  let level = 0
  for (let i = 0; i < warm; i++)
    level += ((values[i] ?? 0) - (one[i % one.length] ?? 0) - (two[i % two.length] ?? 0)) / warm
  let slope = 0
  let before = 0
  let sum = 0
  for (let i = 0, a = 0, b = 0; i < count; i++) {
    const base = level + phi * slope
    const raw = (values[i] ?? 0) - base - (one[a] ?? 0) - (two[b] ?? 0)
    const error = raw - rho * before
    before = raw
    level = base + alpha * error
    slope = phi * slope + beta * error
    if (isSeasonal === 1) one[a] = (one[a] ?? 0) + gamma * error
    if (isDouble === 1) two[b] = (two[b] ?? 0) + gamma2 * error
    if (++a === one.length) a = 0
    if (++b === two.length) b = 0
    if (i >= warm) sum += error * error
  }
  if (out) {
    let carried = before
    let damped = 0
    let factor = 1
    for (let h = 0; h < out.length; h++) {
      factor *= phi
      damped += factor
      carried *= rho
      const at = count + h
      out[h] = level + damped * slope + carried + (one[at % one.length] ?? 0) + (two[at % two.length] ?? 0)
    }
  }
  return sum / Math.max(1, count - warm)
}

/** The parameters with the smallest mean squared one-step error. */
export function tune(values: Float64Array, count: number, starts: readonly Float64Array[]): Parameters {
  const size = 4 + starts.length
  const start = Float64Array.from(first.slice(0, size))
  const outside = (point: Float64Array) =>
    point.reduce((sum, value, index) => sum + Math.abs(value - clamp(value, index)), 0)
  const best = minimize(
    (point) => smooth(values, count, starts, point) * (1 + outside(point)),
    start,
    Float64Array.from(steps),
    20 * size,
  )
  return best.map(clamp)
}
