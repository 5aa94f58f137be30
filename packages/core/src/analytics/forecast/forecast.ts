import type { Series } from '../series/series.ts'
import { runEnsemble } from './ensemble.ts'
import { calibrate, caution, reach, simulateTotals, tail, type Calibration } from './intervals.ts'
import { prepare } from './prepare.ts'
import { settings } from './settings.ts'

interface Interval {
  /** Share of the actual values that the interval contains, for example 0.95. */
  level: number
  lower: number[]
  upper: number[]
}

/** The values expected after the end of a series. */
export interface Forecast {
  mean: number[]
  intervals: Interval[]
  /** Lengths of the seasons found, in steps. */
  periods: number[]
  /** Distribution of the errors, for totals; in units of `scale`. */
  calibration: Calibration
  scale: number
  /** Nothing is forecast below it: 0 for a series without negative values, else minus infinity. */
  floor: number
}

interface Question {
  /** Steps ahead. */
  horizon: number
  /** Confidence levels between 0 and 1. */
  levels: readonly number[]
}

const finite = (value: number) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))

/**
 * Forecasts a series by models weighted by their errors on rolling origins (Bates and Granger, 1969), with conformal
 * intervals; a series without any value forecasts 0, and a constant series has intervals of width 0.
 */
export function forecast(series: Series, { horizon, levels }: Question): Forecast {
  const prepared = prepare(series, horizon)
  const { center, scale, periods, floor } = prepared
  const outcome = runEnsemble(prepared, horizon)
  const calibration = calibrate(outcome)
  const mean = Array.from(outcome.mean, (value) => finite(Math.max(floor, center + value * scale)))
  const made = { mean, periods, calibration, scale, floor }
  return { ...made, intervals: levels.map((level) => ({ level, ...boundsOf(made, level) })) }
}

function boundsOf({ mean, calibration, scale, floor }: Omit<Forecast, 'intervals'>, level: number) {
  const reached = reach(calibration, level)
  const bound = (sign: number) =>
    mean.map((value, h) => finite(Math.max(floor, value + sign * reached * (calibration.width[h] ?? 0) * scale)))
  return { lower: bound(-1), upper: bound(1) }
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => finite(sum + value), 0)

/**
 * The sum of the steps from `from` (0 is the first) up to `to` (exclusive), with an interval from simulated paths, never
 * wider than the sum of their intervals.
 */
export function total(
  made: Forecast,
  { from = 0, to = made.mean.length, level }: { from?: number; to?: number; level: number },
): { mean: number; lower: number; upper: number } {
  const { calibration, scale } = made
  const sum = sumOf(made.mean.slice(from, to))
  const sums = simulateTotals(calibration, from, to, 1_000)
  const share = Math.min(level, 1 - 4 / sums.length)
  const index = Math.min(sums.length - 1, Math.ceil(((1 + share) / 2) * sums.length) - 1)
  const half =
    Math.max(0, sums[Math.max(0, index)] ?? 0) * tail(share, Math.min(level, 1 - 1e-9)) * caution(calibration, level)
  const { lower, upper } = boundsOf(made, level)
  return {
    mean: sum,
    lower: Math.max(sumOf(lower.slice(from, to)), finite(sum - half * scale)),
    upper: Math.min(sumOf(upper.slice(from, to)), finite(sum + half * scale)),
  }
}

/** Accuracy of the forecaster on one series. */
export interface Accuracy {
  /** Mean absolute error in percent of the actual value, over actual values other than 0. */
  mapePercent?: number
  /** Root mean squared error, in units of the series. */
  rmse?: number
  /** Mean absolute error divided by that of the seasonal naive method in the history (Hyndman and Koehler, 2006). */
  mase?: number
  /** Share of actual values within the interval. */
  coverageRatio?: number
  /** Forecasts that were compared. */
  origins: number
}

/**
 * Forecasts the last part of the history from rolling origins, each from the values before it only. Origins with fewer
 * than 14 values before them are left out.
 */
export function backtest(
  series: Series,
  { horizon = 28, origins = 4, level = 0.95 }: { horizon?: number; origins?: number; level?: number } = {},
): Accuracy {
  const { values } = series
  const sums = { percent: 0, percents: 0, squares: 0, scaled: 0, scales: 0, inside: 0, count: 0 }
  let compared = 0
  for (let k = origins; k >= 1; k--) {
    const origin = values.length - k * horizon
    const history = values.slice(0, Math.max(0, origin))
    if (history.filter((value) => Number.isFinite(value)).length < settings.short) continue
    const { mean, intervals, periods } = forecast({ ...series, values: history }, { horizon, levels: [level] })
    const scale = naiveError(history, periods[0] ?? 1)
    compared++
    for (const [h, expected] of mean.entries()) {
      const actual = values[origin + h]
      if (actual == null || !Number.isFinite(actual)) continue
      const error = Math.abs(actual - expected)
      sums.count++
      sums.squares += error * error
      sums.inside += actual >= (intervals[0]?.lower[h] ?? 0) && actual <= (intervals[0]?.upper[h] ?? 0) ? 1 : 0
      if (actual !== 0) {
        sums.percent += (100 * error) / Math.abs(actual)
        sums.percents++
      }
      if (scale > 0) {
        sums.scaled += error / scale
        sums.scales++
      }
    }
  }
  return {
    origins: compared,
    ...(sums.percents > 0 && { mapePercent: sums.percent / sums.percents }),
    ...(sums.scales > 0 && { mase: sums.scaled / sums.scales }),
    ...(sums.count > 0 && { rmse: Math.sqrt(sums.squares / sums.count), coverageRatio: sums.inside / sums.count }),
  }
}

/** Mean absolute difference of values one period apart; 0 without any. */
function naiveError(values: readonly (number | null)[], period: number): number {
  let [sum, count] = [0, 0]
  for (let i = period; i < values.length; i++) {
    const difference = Math.abs((values[i] ?? Number.NaN) - (values[i - period] ?? Number.NaN))
    if (!Number.isFinite(difference)) continue
    sum += difference
    count++
  }
  return count > 0 ? sum / count : 0
}
