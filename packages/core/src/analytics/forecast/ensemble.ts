import { dampedMean, type Model, models, predict, rate, split, type Split } from './models.ts'
import type { Prepared } from './prepare.ts'
import { settings } from './settings.ts'

/** Forecasts of the ensemble and its errors on rolling origins, in normalized units. */
export interface Outcome {
  mean: Float64Array
  horizon: number
  /** Count of values before the forecast. */
  count: number
  /** Length of the shortest season, or 1. */
  period: number
  /** Counts of values before each origin, oldest first. */
  origins: number[]
  /** Errors (observed minus forecast) of each origin and step ahead, in units; NaN where the value is unknown. */
  errors: Float64Array[]
  /** Unit of the error at each step ahead: 1, or the forecast itself of a proportional series. */
  units: Float64Array
}

/** Origins, evenly spaced over the later part of the series. */
function rollingOrigins(count: number, longest: number, horizon: number): number[] {
  const earliest = Math.min(Math.max(2 * longest + 2, Math.floor(count / 3), 10), Math.floor(0.7 * count))
  const span = Math.min(count - earliest, Math.max(settings.span * horizon, 2 * longest))
  const steps = Math.min(span, settings.origins)
  return Array.from({ length: steps }, (_, i) => count - span + Math.floor((i * span) / steps))
}

/** Fits every model once, runs them from each origin, and weights them by their errors there. */
export function runEnsemble(prepared: Prepared, horizon: number): Outcome {
  const { values, observed, back, periods, daysOfMonth } = prepared
  const count = values.length
  const active = modelsFor(prepared)
  const part = (origin: number) => split(values, origin, periods, daysOfMonth)
  const whole = part(count)
  const parameters = active.map((model) => model.fit(whole))
  const run = (at: Split, length: number) =>
    active.map((model, index) => predict(model, at, parameters[index] ?? new Float64Array(0), length).map(back))
  const origins = rollingOrigins(count, periods.at(-1) ?? 1, horizon)
  const past = origins.map((origin) => run(part(origin), Math.min(horizon, count - origin)))
  const cleaned = values.map(back)
  const losses = active.map((_, index) =>
    loss(
      origins,
      past.map((runs) => runs[index] ?? new Float64Array(0)),
      cleaned,
    ),
  )
  const best = Math.min(...losses)
  const weights = losses.map((loss) => (best > 0 ? (best / loss) ** settings.power : 1))
  const mixed = (runs: Float64Array[], origin: number) => keepZeros(combine(runs, weights), prepared, origin)
  const mean = mixed(run(whole, horizon), count)
  const unitOf = (forecast: number) => (prepared.isProportional ? Math.max(1e-300, forecast - prepared.zero) : 1)
  const errors = past.map((runs, k) =>
    mixed(runs, origins[k] ?? 0).map(
      (value, h) => ((observed[(origins[k] ?? 0) + h] ?? Number.NaN) - value) / unitOf(value),
    ),
  )
  return { mean, horizon, count, period: phases(periods), origins, errors, units: mean.map(unitOf) }
}

function modelsFor({ observed, isRare }: Prepared): readonly Model[] {
  if (isRare) return [rate]
  return observed.filter((value) => !Number.isNaN(value)).length < settings.short ? [dampedMean] : models
}

/** Mean absolute error of a model over all origins; older origins count less. */
function loss(origins: number[], runs: Float64Array[], values: Float64Array): number {
  let [sum, weights] = [0, 0]
  for (const [k, run] of runs.entries()) {
    const weight = settings.modelAge ** ((origins.length - k) / origins.length)
    for (let h = 0; h < run.length; h++) sum += weight * Math.abs((values[(origins[k] ?? 0) + h] ?? 0) - (run[h] ?? 0))
    weights += weight * run.length
  }
  return weights > 0 ? sum / weights : 1
}

/**
 * Steps whose phase was 0 in the last four cycles of the longest season are 0, such as hours at which all is off, and all
 * steps of a series that has ended.
 */
function keepZeros(steps: Float64Array, prepared: Prepared, origin: number): Float64Array {
  const { observed, zero, periods } = prepared
  if (hasEnded(prepared, origin)) return steps.map(() => zero)
  const first = origin - 4 * (periods.at(-1) ?? 0)
  if (periods.length === 0 || first < 0) return steps
  const isOff = (period: number, h: number) => {
    for (let at = origin - period + (h % period); at >= first; at -= period) if (observed[at] !== zero) return false
    return true
  }
  return steps.map((value, h) => (periods.some((period) => isOff(period, h)) ? zero : value))
}

/** The last pause at 0 has lasted eight days, and more than twice as long as each pause before it. */
function hasEnded({ observed, zero, mostPaused }: Prepared, origin: number): boolean {
  let [longest, paused] = [0, 0]
  for (const value of observed.subarray(0, origin)) {
    if (Number.isNaN(value)) continue
    if (value === zero) paused++
    else [longest, paused] = [Math.max(longest, paused), 0]
  }
  return paused >= mostPaused && paused > 2 * longest
}

function combine(runs: Float64Array[], weights: number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return (runs[0] ?? new Float64Array(0)).map((_, h) =>
    runs.reduce((sum, run, index) => sum + ((weights[index] ?? 0) / total) * (run[h] ?? 0), 0),
  )
}

/** Phases of the season whose errors differ in width: a yearly season has too few cycles to tell. */
const phases = ([period = 1]: readonly number[]) => (period < 52 ? period : 1)
