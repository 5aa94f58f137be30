import type { Series } from '../series/series.ts'
import { MonthEffect } from './month-effect.ts'
import { emptyRun, type Former, growthOf, isAnother, meanOf, type Run } from './run.ts'
import { settings } from './settings.ts'
import { best, Smoother } from './smoother.ts'
import { type Mean, Spread } from './spread.ts'

export type Sensitivity = 'low' | 'medium' | 'high'

/** The opinion on one value, made from this value and those before it only. */
export interface Judgement {
  /** An alarm from 1 on; 0 for a gap and while the history is too short. */
  score: number
  /** During an alarm the level from before the alarm. */
  expected: number
  /** Distance from `expected` at which a rise is an alarm. */
  range: number
  /** The value ends eight days on one side of the old level: the new level is accepted. */
  isShift: boolean
}

const thresholds: Record<Sensitivity, number> = { low: 1.3, medium: 1, high: 0.8 }
const daySeconds = 86_400
const longestSeason = 4_096

/** Costs of one day that are too low are mostly late data: they need this many times the error of a rise. */
const loneFall = 1.3
const shiftDays = 8
const returnDays = 28
/** The old level is reached when at most this share of the way back to it is left. */
const backRatio = 0.1
const mergeDays = 3
const mostScore = 1e6

/** Judges a series value by value. */
export class Detector {
  readonly #start: number
  readonly #stepSeconds: number
  readonly #perDay: number
  readonly #isFine: boolean
  readonly #set: (typeof settings)[keyof typeof settings]
  readonly #threshold: number
  #smoothers: Smoother[] = []
  #slow: Smoother[] = []
  #spread: Spread
  #month: MonthEffect | undefined
  #run = emptyRun()
  #step = 0
  #first = 0
  #period = 1
  #fatigue = 0
  #lastAlarm = -Infinity
  #held: { smoother: Smoother; level: number } | undefined
  /** The level from before the last shift, while the way back to it is no anomaly. */
  #former: Former | undefined
  #least = 0
  #most = 0
  #returns = 0

  constructor({ start, stepSeconds }: Omit<Series, 'values'>, sensitivity: Sensitivity = 'medium') {
    this.#start = Date.parse(start)
    this.#stepSeconds = stepSeconds
    this.#perDay = Math.max(1, Math.round(daySeconds / stepSeconds))
    this.#isFine = this.#perDay > 1
    this.#set = this.#isFine ? settings.fine : settings.daily
    this.#threshold = thresholds[sensitivity]
    this.#spread = this.#begin(0)
  }

  /** Starts the smoothers of a series that begins at this step. */
  #begin(first: number): Spread {
    const periods = [1, ...seasonsOf(this.#stepSeconds)]
    const { rates, misses } = this.#set
    const memory = 60 * Math.min(this.#perDay, 24)
    this.#smoothers = periods.flatMap((period) =>
      rates.map((rate) => new Smoother({ period, rate, memory, misses, first })),
    )
    this.#slow = this.#smoothers.filter(({ rate }) => rate === rates[0])
    this.#month = this.#stepSeconds === daySeconds && !Number.isNaN(this.#start) ? new MonthEffect() : undefined
    this.#period = 1
    this.#first = first
    return new Spread(periods[1] ?? 1, this.#perDay, this.#set.means)
  }

  next(value: number | null): Judgement {
    const step = this.#step++
    const time = this.#start + step * this.#stepSeconds * 1000
    const effect = this.#month?.at(time) ?? 0
    const chosen = best(this.#smoothers)
    if (chosen.period !== this.#period && step - this.#first < 4 * chosen.period) this.#spread.restart(chosen.early)
    this.#period = chosen.period
    const scale = this.#spread.scaleAt(step)
    const forecast = this.#possible(chosen.predict(step) + effect)
    if (step - this.#lastAlarm > mergeDays * this.#perDay) this.#held = undefined
    const range = this.#set.k * this.#threshold * scale
    if (value === null || !(Math.abs(value) < 1e300)) return { score: 0, expected: forecast, range, isShift: false }
    const slow = best(this.#slow)
    const slowForecast = this.#possible(slow.predict(step) + effect)
    const held = this.#held ?? { smoother: chosen, level: chosen.level }
    const heldForecast = this.#possible(held.level + held.smoother.seasonAt(step) + effect)
    const moved = forecast - heldForecast
    const back = this.#wayBack(step, value - forecast, forecast - effect, Math.abs(moved) > 2 * scale ? moved : 0)
    const error = value - forecast + back
    const slowError = nearestZero(value - slowForecast, value - slowForecast + back)
    const means = this.#spread.meansWith(slowError)
    const score = this.#fatigued(step, this.#score(error, slowError, scale, means, value - error))
    this.#hold(step, score, Math.abs(slowError) > Math.abs(error) ? slow : chosen)
    const expected = this.#held ? heldForecast : value - error
    this.#month?.add(time, error + effect, scale)
    const isKnown = score >= 1 && this.#run.hasAlarm && this.#run.side === Math.sign(error)
    this.#spread.add(step, { value, error, scale, means, isKnown })
    for (const smoother of this.#smoothers) smoother.update(step, value - effect, scale)
    const isShift = this.#accept(step, {
      side: Math.abs(error) > scale ? Math.sign(error) : 0,
      value,
      excess: value - heldForecast,
      usual: heldForecast - effect,
      score,
      held,
    })
    this.#least = Math.min(this.#least, value)
    this.#most = Math.max(this.#most, value)
    return { score, expected, range, isShift }
  }

  /** A series that was never negative will not be so, and neither will credits become costs. */
  #possible(forecast: number): number {
    if (forecast < 0 && this.#least === 0) return 0
    return forecast > 0 && this.#most === 0 ? 0 : forecast
  }

  /** The way back to the level before an alarm or a shift is no anomaly; two values there restore that level. */
  #wayBack(step: number, error: number, forecast: number, sinceAlarm: number): number {
    const former = this.#former && step < this.#former.until ? this.#former : undefined
    const sinceShift = former ? forecast - this.#possible(former.at(step)) : 0
    const offset = [sinceAlarm, sinceShift].reduce(
      (best, other) => (Math.abs(error + other) < Math.abs(error + best) ? other : best),
      0,
    )
    this.#returns = offset === 0 ? 0 : this.#returns + 1
    if (this.#returns === 2 && (offset === sinceShift || !this.#isFine)) {
      if (offset === sinceShift && Math.abs(error + offset) < backRatio * Math.abs(offset)) former?.restore()
      this.#moveTo(step, forecast - offset)
      this.#former = undefined
    }
    return offset
  }

  /** A mean counts only where the value itself takes part in it: a slow ramp, not the echo of a spike. */
  #score(error: number, slowError: number, scale: number, means: readonly Mean[], expected: number): number {
    if (this.#spread.count < Math.max(10, this.#perDay)) return 0
    const { k, meanK, percent } = this.#set
    const active = means.filter(({ mean }) => slowError * mean > 0 && Math.abs(slowError) >= Math.abs(mean) / 2)
    const side = !this.#isFine && Math.sign(error) * Math.sign(expected) < 0 ? loneFall : 1
    const surprises = [ratio(error, side * k * scale), ...active.map(({ mean, scale }) => ratio(mean, meanK * scale))]
    const impact = Math.max(Math.abs(error), ...means.map(({ mean }) => Math.abs(mean)))
    const floor = (percent / 100) * Math.max(Math.abs(expected), this.#spread.meanSize)
    const score = Math.max(...surprises)
    return (floor > 0 ? Math.min(score, impact / floor) : score) / this.#threshold
  }

  #fatigued(step: number, raw: number): number {
    const { fatigue, fatigueDays } = this.#set
    this.#fatigue *= 1 - 1 / (fatigueDays * this.#perDay)
    const score = raw / (1 + fatigue * this.#fatigue)
    const steps = step - this.#lastAlarm
    if (score < 1) return score
    if (this.#isFine && steps <= this.#perDay) return (0.5 * score) / (1 + score)
    if (this.#isFine || steps > mergeDays) this.#fatigue++
    return score
  }

  #hold(step: number, score: number, smoother: Smoother): void {
    if (score < 1) return
    this.#held ??= { smoother, level: smoother.level }
    this.#lastAlarm = step
  }

  #moveTo(step: number, prediction: number): void {
    for (const smoother of this.#smoothers) smoother.level += prediction - smoother.predict(step)
  }

  /** After eight days on one side, and not still climbing, the level moves there. */
  #accept(step: number, { side, value, excess, usual, score, held }: Verdict): boolean {
    const steps = shiftDays * this.#perDay
    if (side !== this.#run.side) this.#run = { ...emptyRun(), side }
    if (side === 0) return false
    const run = this.#run
    run.steps++
    run.excess.push(excess)
    run.usual.push(usual)
    run.seen.push({ step, value })
    if (run.excess.length > steps) for (const values of [run.excess, run.usual, run.seen]) values.shift()
    run.hasAlarm ||= score >= 1
    if (run.steps < steps) return false
    const [early, late] = [meanOf(run.excess.slice(0, steps / 2)), meanOf(run.excess.slice(steps / 2))]
    const isClimbing = Math.abs(late - early) > 0.3 * Math.abs(early + late) * 0.5
    if (isClimbing && run.steps < 4 * steps) return false
    const ratio = growthOf(run)
    const at = held.smoother.frozen(held.level)
    const until = step + returnDays * this.#perDay
    if (!this.#isFine && this.#spread.count > steps && isAnother(run)) {
      const restore = this.#restart(run)
      this.#former = { at, until, restore }
      return true
    }
    this.#former = { at, until, restore: () => this.#restoreSeason(ratio) }
    if (ratio !== undefined) {
      for (const smoother of this.#smoothers) smoother.scaleSeason(ratio)
      this.#spread.scaleBy(Math.max(1, ratio))
    }
    this.#moveTo(step, ratio === undefined ? usual + late : usual * ratio)
    this.#run = emptyRun()
    this.#held = undefined
    return true
  }

  #restoreSeason(ratio: number | undefined): void {
    if (ratio === undefined) return
    for (const smoother of this.#smoothers) smoother.restoreSeason()
    this.#spread.scaleBy(1 / Math.max(1, ratio))
  }

  /** Learns the values of a run as if the series began with them. The result restores the state from before. */
  #restart({ seen }: Run): () => void {
    const [smoothers, slow, spread, month] = [this.#smoothers, this.#slow, this.#spread, this.#month]
    const end = this.#step
    const first = seen[0]?.step ?? end
    this.#spread = this.#begin(first)
    this.#run = emptyRun()
    this.#held = undefined
    this.#former = undefined
    const values = new Map(seen.map(({ step, value }) => [step, value]))
    for (this.#step = first; this.#step < end;) this.next(values.get(this.#step) ?? null)
    return () => {
      spread.forgetLatest()
      this.#smoothers = smoothers
      this.#slow = slow
      this.#spread = spread
      this.#month = month
    }
  }
}

interface Verdict {
  side: number
  value: number
  excess: number
  usual: number
  score: number
  held: { smoother: Smoother; level: number }
}

const nearestZero = (a: number, b: number) => (Math.abs(b) < Math.abs(a) ? b : a)
const ratio = (size: number, unit: number) =>
  unit > 0 ? Math.min(mostScore, Math.abs(size) / unit) : size && mostScore

/** Seasons to try, in steps: a day and a week below a day, a week of days, a year of weeks. */
function seasonsOf(stepSeconds: number): number[] {
  const perDay = daySeconds / stepSeconds
  const periods = perDay > 1 ? [perDay, 7 * perDay] : perDay === 1 ? [7] : stepSeconds === 7 * daySeconds ? [52] : []
  return periods.map(Math.round).filter((period) => period <= longestSeason)
}

/** Judges every value of a series. */
export function judge(series: Series, sensitivity?: Sensitivity): Judgement[] {
  const detector = new Detector(series, sensitivity)
  return series.values.map((value) => detector.next(value))
}
