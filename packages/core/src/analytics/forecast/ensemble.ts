import { dampedMean, models, predict, split, type Split } from './models.ts'
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
  /** Errors (observed minus forecast) of each origin and step ahead; NaN where the value is unknown. */
  errors: Float64Array[]
}

/** Origins, evenly spaced over the later part of the series. */
function rollingOrigins(count: number, longest: number, horizon: number): number[] {
  const earliest = Math.min(Math.max(2 * longest + 2, Math.floor(count / 3), 10), Math.floor(0.7 * count))
  const span = Math.min(count - earliest, Math.max(settings.span * horizon, 2 * longest))
  const steps = Math.min(span, settings.origins)
  return Array.from({ length: steps }, (_, i) => count - span + Math.floor((i * span) / steps))
}

/** Fits every model once, runs them from each origin, and weights them by their errors there. */
export function runEnsemble({ values, observed, periods, daysOfMonth }: Prepared, horizon: number): Outcome {
  const count = values.length
  const active = observed.filter((value) => !Number.isNaN(value)).length < settings.short ? [dampedMean] : models
  const part = (origin: number) => split(values, origin, periods, daysOfMonth)
  const whole = part(count)
  const parameters = active.map((model) => model.fit(whole))
  const run = (at: Split, length: number) =>
    active.map((model, index) => predict(model, at, parameters[index] ?? new Float64Array(0), length))
  const origins = rollingOrigins(count, periods.at(-1) ?? 1, horizon)
  const past = origins.map((origin) => run(part(origin), Math.min(horizon, count - origin)))
  const losses = active.map((_, index) =>
    loss(
      origins,
      past.map((runs) => runs[index] ?? new Float64Array(0)),
      values,
    ),
  )
  const best = Math.min(...losses)
  const weights = losses.map((loss) => (best > 0 ? (best / loss) ** settings.power : 1))
  const mean = combine(run(whole, horizon), weights)
  const errors = past.map((runs, k) =>
    combine(runs, weights).map((value, h) => (observed[(origins[k] ?? 0) + h] ?? Number.NaN) - value),
  )
  return { mean, horizon, count, period: phases(periods), origins, errors }
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

function combine(runs: Float64Array[], weights: number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return (runs[0] ?? new Float64Array(0)).map((_, h) =>
    runs.reduce((sum, run, index) => sum + ((weights[index] ?? 0) / total) * (run[h] ?? 0), 0),
  )
}

/** Phases of the season whose errors differ in width: a yearly season has too few cycles to tell. */
const phases = ([period = 1]: readonly number[]) => (period < 52 ? period : 1)
