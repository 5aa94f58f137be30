import { smooth, tune } from './smoothing.ts'
import { largest } from '../series/numeric.ts'
import { monthEffect } from './month.ts'
import { settings } from './settings.ts'
import { stl, weeksOfYear } from './stl.ts'

/** A prefix of a series with its seasonal decomposition. */
export interface Split {
  values: Float64Array
  count: number
  periods: readonly number[]
  seasons: readonly Float64Array[]
  trend: Float64Array
  /** The values without their seasons. */
  adjusted: Float64Array
  /** Seasons and effect of the day of the month of each value. */
  expected: Float64Array
  /** Effect of the day of the month at a step ahead. */
  ahead: (h: number) => number
}

/** One model of the ensemble. `fit` finds parameters once; `run` writes the forecast after the prefix. */
export interface Model {
  isAdjusted: boolean
  fit: (split: Split) => Float64Array
  run: (split: Split, parameters: Float64Array, out: Float64Array) => void
}

const starts = ({ periods, seasons }: Split) =>
  periods.map((period, index) => (seasons[index] ?? new Float64Array(period)).slice(0, period))

/** Damped Holt-Winters on the values themselves. */
const holtWinters: Model = {
  isAdjusted: false,
  fit: (split) => tune(split.values, split.count, starts(split)),
  run: (split, parameters, out) => void smooth(split.values, split.count, starts(split), parameters, out),
}

/** Damped exponential smoothing without season. */
const damped: Model = {
  isAdjusted: true,
  fit: ({ adjusted, count }) => tune(adjusted, count, []),
  run: ({ adjusted, count }, parameters, out) => void smooth(adjusted, count, [], parameters, out),
}

/** Coefficients of the autoregression with the least AICc, by the Levinson-Durbin recursion. */
function autoregression(values: Float64Array, count: number, highest: number): Float64Array {
  const covariance = new Float64Array(highest + 1)
  for (let lag = 0; lag <= highest; lag++)
    for (let i = lag; i < count; i++)
      covariance[lag] = (covariance[lag] ?? 0) + (values[i] ?? 0) * (values[i - lag] ?? 0)
  let variance = (covariance[0] ?? 0) * (1 + 1e-9)
  let coefficients = new Float64Array(0)
  let best = { score: count * Math.log(variance / count), coefficients }
  for (let order = 1; order <= highest && variance > 0; order++) {
    let sum = covariance[order] ?? 0
    for (let i = 1; i < order; i++) sum -= (coefficients[i - 1] ?? 0) * (covariance[order - i] ?? 0)
    const reflection = sum / variance
    const next = new Float64Array(order)
    for (let i = 0; i < order - 1; i++)
      next[i] = (coefficients[i] ?? 0) - reflection * (coefficients[order - 2 - i] ?? 0)
    next[order - 1] = reflection
    coefficients = next
    variance *= 1 - reflection * reflection
    const score = count * Math.log(variance / count) + (2 * (order + 1) * count) / Math.max(1, count - order - 2)
    if (score < best.score) best = { score, coefficients }
  }
  return best.coefficients
}

/** The mean of all values; each weighs `decay` as much as the next one. */
const decayingMean = (decay: number): Model => ({
  isAdjusted: false,
  fit: () => new Float64Array(0),
  run: ({ values, count }, _, out) => {
    let [sum, weights] = [0, 0]
    for (let i = 0; i < count; i++) {
      sum = sum * decay + (values[i] ?? 0)
      weights = weights * decay + 1
    }
    out.fill(weights > 0 ? sum / weights : 0)
  },
})

/** For short histories. */
export const dampedMean = decayingMean(settings.shortDecay)

/** For costs on few days: their rate, which includes the days without (Teunter, Syntetos and Babai, 2011). */
export const rate = decayingMean(settings.rareDecay)

/** Autoregression of the adjusted values (`isDifferenced`: of their differences). */
function autoregressive(isDifferenced: boolean): Model {
  const series = ({ adjusted, count }: Split) => {
    let mean = 0
    if (!isDifferenced) for (let i = 0; i < count; i++) mean += (adjusted[i] ?? 0) / count
    const out = new Float64Array(isDifferenced ? count - 1 : count)
    for (let i = 0; i < out.length; i++)
      out[i] = isDifferenced ? (adjusted[i + 1] ?? 0) - (adjusted[i] ?? 0) : (adjusted[i] ?? 0) - mean
    return { out, mean }
  }
  return {
    isAdjusted: true,
    fit: (split) => {
      const { out } = series(split)
      return autoregression(out, out.length, Math.min(out.length >> 2, 2 * Math.min(14, split.periods[0] ?? 7) + 1))
    },
    run: (split, coefficients, out) => {
      const { out: past, mean } = series(split)
      let level = isDifferenced ? (split.adjusted[split.count - 1] ?? 0) : mean
      const recent = new Float64Array(coefficients.length + out.length)
      for (let i = 0; i < coefficients.length; i++) recent[i] = past[past.length - coefficients.length + i] ?? 0
      for (let h = 0; h < out.length; h++) {
        const at = coefficients.length + h
        let next = 0
        for (let i = 0; i < coefficients.length; i++) next += (coefficients[i] ?? 0) * (recent[at - 1 - i] ?? 0)
        recent[at] = next
        if (isDifferenced) level += next
        out[h] = isDifferenced ? level : level + next
      }
    },
  }
}

/** The last cycle again. */
const naive: Model = {
  isAdjusted: false,
  fit: () => new Float64Array(0),
  run: ({ values, count, periods }, _, out) => {
    const period = Math.min(count, periods.at(-1) ?? 1)
    for (let h = 0; h < out.length; h++) out[h] = values[count - period + (h % period)] ?? 0
  },
}

export const models: readonly Model[] = [holtWinters, damped, autoregressive(false), autoregressive(true), naive]

/** Decomposes the first `count` values into trend, seasons and effects of the day of the month. */
export function split(
  whole: Float64Array,
  count: number,
  periods: readonly number[],
  daysOfMonth: Uint8Array | undefined,
): Split {
  const cycles = periods[0] === weeksOfYear ? settings.years : settings.cycles
  const decompose = (values: Float64Array) =>
    periods.length > 0 || daysOfMonth
      ? stl(values, count, periods.length > 0 ? periods : [7], cycles)
      : { seasons: [], trend: values }
  let values = whole.subarray(0, count)
  let { seasons, trend } = decompose(values)
  const effect = new Float64Array(31)
  for (let round = 0; round < 4 && daysOfMonth; round++) {
    const found = monthEffect(remainder(values, trend, seasons), count, daysOfMonth)
    if (!(largest(found) > 0.02 * largest(effect))) break
    for (const [day, value] of found.entries()) effect[day] = (effect[day] ?? 0) + value
    values = values.map((value, i) => value - (found[daysOfMonth?.[i] ?? 0] ?? 0))
    ;({ seasons, trend } = decompose(values))
  }
  if (periods.length === 0) seasons = []
  const adjusted = remainder(values, undefined, seasons)
  const ahead = (h: number) => effect[daysOfMonth?.[count + h] ?? 0] ?? 0
  const expected = adjusted.map((value, i) => (whole[i] ?? 0) - value)
  return { values, count, periods, seasons, trend, adjusted, expected, ahead }
}

function remainder(
  values: Float64Array,
  trend: Float64Array | undefined,
  seasons: readonly Float64Array[],
): Float64Array {
  const rest = values.slice()
  for (const part of trend ? [trend, ...seasons] : seasons)
    for (let i = 0; i < rest.length; i++) rest[i] = (rest[i] ?? 0) - (part[i] ?? 0)
  return rest
}

/** The forecast of one model: with the last cycle of each season, and the effect of the days of the month. */
export function predict(model: Model, part: Split, parameters: Float64Array, horizon: number): Float64Array {
  const out = new Float64Array(horizon)
  model.run(part, parameters, out)
  for (let h = 0; h < horizon; h++) {
    out[h] = (out[h] ?? 0) + part.ahead(h)
    if (model.isAdjusted)
      for (const [index, period] of part.periods.entries())
        out[h] = (out[h] ?? 0) + (part.seasons[index]?.[part.count - period + (h % period)] ?? 0)
  }
  return out
}
