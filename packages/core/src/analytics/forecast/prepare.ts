import { largest, median } from '../series/numeric.ts'
import type { Series } from '../series/series.ts'
import { type Baseline, baselineOf, calmEnd, type Measure, withoutSpikes } from './baseline.ts'
import { daysFrom } from './month.ts'
import { split, type Split } from './models.ts'
import { settings } from './settings.ts'
import { stl } from './stl.ts'
import { logarithmsOf, same, type Units } from './units.ts'

/** A series without gaps for the models. */
export interface Prepared {
  /** Observed values, moved by their median and divided by their range, so that each is within [-1, 1]; NaN is a gap. */
  observed: Float64Array
  /** Values with gaps filled and outliers clipped; logarithms of the series if it is proportional. */
  values: Float64Array
  /** From `values`, and forecasts of them, to the units of `observed`. */
  back: (value: number) => number
  /** Its season multiplies, so that its errors grow with it. */
  isProportional: boolean
  /** Mostly 0, with values at times that no season explains. */
  isRare: boolean
  /** Lengths of the proven seasons, ascending. */
  periods: number[]
  center: number
  scale: number
  /** The value 0 in the units of `observed`. */
  zero: number
  /** 0 for a series without negative values, in its own units. */
  floor: number
  /** Of a daily series: see `daysFrom`. */
  daysOfMonth: Uint8Array | undefined
  /** The fewest steps of cost 0 that can be an end: those of eight days, or eight if a step is longer than a day. */
  mostPaused: number
}

const candidates: Record<number, number[]> = { 3_600: [24, 168], 86_400: [7], 604_800: [52] }

/** Interpolates gaps from the values whole periods before and after; the first and last continue outwards. */
function interpolatePhases(values: Float64Array, period: number): Float64Array {
  const out = values.slice()
  for (let phase = 0; phase < period; phase++)
    for (const [i, value] of interpolate(values.filter((_, i) => i % period === phase)).entries())
      out[phase + i * period] = value
  return out
}

/** Linear interpolation over NaN; the first and last value continue outwards. */
function interpolate(values: Float64Array): Float64Array {
  const out = values.slice()
  let last = -1
  for (let i = 0; i <= out.length; i++) {
    if (i < out.length && Number.isNaN(out[i])) continue
    const [before, after] = [out[last] ?? out[i] ?? 0, out[i] ?? out[last] ?? 0]
    for (let gap = last + 1; gap < i; gap++) out[gap] = before + ((after - before) * (gap - last)) / (i - last)
    last = i
  }
  return out
}

/** Values minus their moving average over one period. */
function detrend(values: Float64Array, period: number): Float64Array {
  const { length } = values
  const sums = new Float64Array(length + 1)
  for (let i = 0; i < length; i++) sums[i + 1] = (sums[i] ?? 0) + (values[i] ?? 0)
  const half = period >> 1
  return values.map((value, i) => {
    const at = Math.max(half, Math.min(length - 1 - half, i))
    const [from, to] = [Math.max(0, at - half), Math.min(length, at - half + period)]
    return value - ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from)
  })
}

/** Share of the variance that the other cycles explain of each cycle: negative where the season is chance. */
export function seasonSkill(values: Float64Array, period: number): number {
  const rest = detrend(values, period)
  const sums = new Float64Array(period)
  const counts = new Float64Array(period)
  const width = period > 48 ? Math.max(0, Math.round(period / 26)) : 0
  for (let i = 0; i < rest.length; i++)
    for (let near = -width; near <= width; near++) {
      const phase = (i + near + period) % period
      sums[phase] = (sums[phase] ?? 0) + (rest[i] ?? 0)
      counts[phase] = (counts[phase] ?? 0) + 1
    }
  let [total, unexplained] = [0, 0]
  for (let i = 0; i < rest.length; i++) {
    let own = 0
    let ownCount = 0
    for (let near = -width; near <= width; near++)
      if (rest[i + near] !== undefined) {
        own += rest[i + near] ?? 0
        ownCount++
      }
    const others = ((sums[i % period] ?? 0) - own) / Math.max(1, (counts[i % period] ?? 0) - ownCount)
    total += (rest[i] ?? 0) ** 2
    unexplained += ((rest[i] ?? 0) - others) ** 2
  }
  return total > 0 ? 1 - unexplained / total : 0
}

/** Each value by its moving average, and the mean of its phase in the other cycles. */
function fromOthers(values: Float64Array, period: number): Float64Array {
  const rest = detrend(values, period)
  const sums = new Float64Array(period)
  for (let i = 0; i < rest.length; i++) sums[i % period] = (sums[i % period] ?? 0) + (rest[i] ?? 0)
  return values.map((value, i) => {
    const cycles = Math.ceil((values.length - (i % period)) / period)
    return value - (rest[i] ?? 0) + ((sums[i % period] ?? 0) - (rest[i] ?? 0)) / Math.max(1, cycles - 1)
  })
}

function provenPeriods(values: Float64Array, stepSeconds: number): number[] {
  const periods: number[] = []
  let rest = values
  for (const period of candidates[stepSeconds] ?? []) {
    if (values.length < 2 * period || seasonSkill(rest, period) < settings.seasonSkill) continue
    periods.push(period)
    const { seasons } = stl(values, values.length, periods, Infinity)
    rest = values.map((value, i) => seasons.reduce((sum, season) => sum - (season[i] ?? 0), value))
  }
  return periods
}

/** Error of the values that the other cycles explain, and the day of the month. */
function unexplained(values: Float64Array, { units, baseline }: Measure, period: number): number {
  const effectAt = (i: number) => baseline?.effect[i] ?? 0
  const guesses = fromOthers(
    values.map((value, i) => units.to(value) - effectAt(i)),
    period,
  )
  return guesses.reduce((sum, guess, i) => sum + Math.abs((values[i] ?? 0) - units.back(guess + effectAt(i))), 0)
}

/** Most values are 0; the others, of no fixed day of the month, came three times, and not only long ago. */
function isRare(observed: Float64Array, zero: number, baseline: Baseline | undefined): boolean {
  const isCost = (i: number) => observed[i] !== zero && !Number.isNaN(observed[i]) && !baseline?.effect[i]
  const costs = [...observed.keys()].filter(isCost)
  const [first = 0, last = 0] = [costs[0], costs.at(-1)]
  const known = observed.subarray(first).filter((value) => !Number.isNaN(value)).length
  const gaps = costs.slice(1).map((place, k) => place - (costs[k] ?? 0))
  const isOver = observed.length - last > 2 * Math.max(...gaps)
  return costs.length >= 3 && costs.length < known / 2 && !isOver
}

/** The latest time of a Date, in milliseconds (ECMA-262). */
const latestTime = 8.64e15

/** Prepares a series for forecasts of up to `horizon` steps. */
export function prepare({ start, stepSeconds, values }: Series, horizon: number): Prepared {
  const from = values.findIndex((value) => Number.isFinite(value))
  const raw = Float64Array.from(from < 0 ? [] : values.slice(from), (value) =>
    value !== null && Number.isFinite(value) ? value : Number.NaN,
  )
  const present = raw.filter((value) => !Number.isNaN(value))
  const center = present.length > 0 ? median(present) : 0
  // Halves keep the difference of the largest numbers finite.
  const scale = Math.min(Number.MAX_VALUE, 2 * largest(present.map((value) => value / 2 - center / 2)))
  const observed = raw.map((value) => (scale > 0 ? (value / 2 - center / 2) / (scale / 2) : value - value))
  const [begin, count] = [Date.parse(start) + from * 86_400_000, raw.length + horizon]
  const hasDates = Math.abs(begin) + count * 86_400_000 < latestTime
  const daysOfMonth = stepSeconds === 86_400 && hasDates ? daysFrom(begin, count) : undefined
  const zero = -center / scale
  const about = { stepSeconds, periods: candidates[stepSeconds] ?? [], daysOfMonth }
  const measure = (units: Units): Measure => ({ units, baseline: baselineOf(observed.map(units.to), about) })
  const adds = measure(same)
  const logarithms = logarithmsOf(interpolate(observed), zero)
  const multiplies = logarithms && measure(logarithms)
  const periods = provenPeriods(interpolate(withoutSpikes(observed, adds.baseline)), stepSeconds)
  const floor = present.every((value) => value >= 0) ? 0 : -Infinity
  const mostPaused = Math.max(8, Math.round((8 * 86_400) / stepSeconds))
  const found = { observed, center, scale, zero, floor, periods, daysOfMonth, mostPaused }
  if (periods.length === 0 && isRare(observed, zero, adds.baseline))
    return {
      ...found,
      values: interpolate(observed),
      ...same,
      isProportional: false,
      isRare: true,
      daysOfMonth: undefined,
    }
  const calm = calmEnd(observed, multiplies ? [adds, multiplies] : [adds])
  let filled = interpolate(calm)
  const longest = periods.at(-1)
  const isProportional =
    multiplies !== undefined &&
    longest !== undefined &&
    unexplained(filled, multiplies, longest) < settings.multiplies * unexplained(filled, adds, longest)
  const { to, back } = isProportional ? multiplies.units : same
  const known = calm.map(to)
  if (periods.length > 0) filled = interpolatePhases(known, periods.at(-1) ?? 1)
  for (let round = 0; round < 2 && (periods.length > 0 || daysOfMonth); round++)
    filled = clean(known, split(filled, filled.length, periods, daysOfMonth))
  return { ...found, values: filled, back, isProportional, isRare: false }
}

/** Fills gaps between the adjusted values, and clips outliers. */
function clean(observed: Float64Array, { trend, expected }: Split): Float64Array {
  const adjusted = interpolate(observed.map((value, i) => value - (expected[i] ?? 0)))
  const limit = settings.clip * 1.4826 * median(adjusted.map((value, i) => Math.abs(value - (trend[i] ?? 0))))
  if (limit === 0) return adjusted.map((value, i) => value + (expected[i] ?? 0))
  return adjusted.map((value, i) => {
    const level = trend[i] ?? 0
    return (expected[i] ?? 0) + level + Math.max(-limit, Math.min(limit, value - level))
  })
}
