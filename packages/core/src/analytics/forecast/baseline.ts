import { Magnitudes } from '../series/magnitudes.ts'
import { median, quantile } from '../series/numeric.ts'
import { monthEffect } from './month.ts'
import { settings } from './settings.ts'
import type { Units } from './units.ts'

/** Steps that a new level must hold before it is one: a day of hours, and otherwise eight, as in the detector. */
const holds: Record<number, number> = { 3_600: 24 }
const stepsHeld = 8
/** Deviations of so many steps before the end decide how large an outlier is, and so many cycles show the season. */
const recentSteps = 180
const recentCycles = 10

/** A series by medians, which no spike moves. */
export interface Baseline {
  /** Level of most of the values until this one, season, and effect of the day of the month; NaN at a gap. */
  usual: Float64Array
  /** Of the day of the month alone. */
  effect: Float64Array
  /** Distance from the usual value beyond which a value is an outlier. */
  limit: number
  /** Places of the latest values, which are too few to be a new level. */
  latest: readonly number[]
}

/** The baseline of a series in units of its own. */
export interface Measure {
  units: Units
  baseline: Baseline | undefined
}

interface About {
  stepSeconds: number
  /** Seasons to allow for. */
  periods: readonly number[]
  daysOfMonth: Uint8Array | undefined
}

/** A history of fewer than twice the latest values has no baseline; one of few more values has no season. */
export function baselineOf(values: Float64Array, about: About): Baseline | undefined {
  const hold = holds[about.stepSeconds] ?? stepsHeld
  const places = [...values.keys()].filter((i) => !Number.isNaN(values[i]))
  const { length } = places
  if (length < 2 * (hold - 1)) return undefined
  const isShort = length < 3 * hold
  const levelsOf = (some: Float64Array) => trailingMedians(some, 2 * hold - 1)
  const known = Float64Array.from(places, (i) => values[i] ?? 0)
  const period = (isShort ? [] : about.periods).findLast((period) => length >= 3 * period) ?? 1
  const phases = phaseMedians(minus(known, levelsOf(known)), places, period)
  const season = Float64Array.from(places, (i) => phases[i % period] ?? 0)
  const { daysOfMonth } = about
  const calm = minus(known, season)
  const days = daysOfMonth && Uint8Array.from(places, (i) => daysOfMonth[i] ?? 0)
  const effects = days && monthEffect(minus(calm, levelsOf(calm)), length, days)
  const effect = values.map((_, i) => effects?.[daysOfMonth?.[i] ?? 0] ?? 0)
  const adjusted = calm.map((value, j) => value - (effect[places[j] ?? 0] ?? 0))
  const levels = levelsOf(adjusted)
  const end = length + 1 - hold
  const before = adjusted.slice(0, end).sort()
  const [least, most] = [before[0] ?? 0, before.at(-1) ?? 0]
  // The week is not known yet: values outside twice the range so far are outliers.
  const limit = isShort ? most - least : settings.clip * scaleOf(minus(adjusted, levels).subarray(0, end))
  levels.fill(isShort ? (least + most) / 2 : (levels.at(-1) ?? 0), end)
  const usual = new Float64Array(values.length).fill(Number.NaN)
  for (const [j, place] of places.entries()) usual[place] = (levels[j] ?? 0) + (season[j] ?? 0) + (effect[place] ?? 0)
  return { usual, effect, limit, latest: places.slice(end) }
}

/** The values, with the latest ones clipped if they are outliers in all of the units. */
export function calmEnd(values: Float64Array, measures: readonly Measure[]): Float64Array {
  const out = values.slice()
  for (const place of measures[0]?.baseline?.latest ?? []) {
    const bounds = (sign: number) =>
      measures.map(({ units, baseline }) => units.back((baseline?.usual[place] ?? 0) + sign * (baseline?.limit ?? 0)))
    out[place] = Math.max(Math.min(...bounds(-1)), Math.min(Math.max(...bounds(1)), values[place] ?? 0))
  }
  return out
}

/** The values without effects of the day of the month, and with all outliers clipped. */
export function withoutSpikes(values: Float64Array, baseline: Baseline | undefined): Float64Array {
  if (!baseline) return values
  const { usual, effect, limit } = baseline
  return values.map((value, i) => {
    const excess = value - (usual[i] ?? 0)
    return (usual[i] ?? 0) - (effect[i] ?? 0) + Math.max(-limit, Math.min(limit, excess))
  })
}

/** A robust standard deviation of the latest deviations. */
function scaleOf(deviations: Float64Array): number {
  const sizes = deviations.slice(-recentSteps).map(Math.abs).sort()
  return Math.max(1.4826 * quantile(sizes, 0.5), quantile(sizes, 0.9) / 1.645)
}

const minus = (values: Float64Array, others: Float64Array) => values.map((value, i) => value - (others[i] ?? 0))

/** The median of each value and those before it, `width` in all. */
function trailingMedians(values: Float64Array, width: number): Float64Array {
  const latest = new Magnitudes(width)
  return values.map((value) => {
    latest.add(value)
    return latest.quantile(0.5)
  })
}

/** The median of the last cycles of each phase. */
function phaseMedians(values: Float64Array, places: readonly number[], period: number): Float64Array {
  const phases: number[][] = Array.from({ length: period }, () => [])
  if (period > 1) for (const [j, place] of places.entries()) phases[place % period]?.push(values[j] ?? 0)
  return Float64Array.from(phases, (phase) => (phase.length > 0 ? median(phase.slice(-recentCycles)) : 0))
}
