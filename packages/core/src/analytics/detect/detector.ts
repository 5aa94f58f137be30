import type { Series } from '../series/series.ts'
import { Magnitudes } from './magnitudes.ts'
import { MonthEffect } from './month-effect.ts'
import { best, Smoother } from './smoother.ts'

export type Sensitivity = 'low' | 'medium' | 'high'

/** The opinion on one value, made from this value and those before it only. */
export interface Judgement {
  /** An alarm from 1 on; 0 for a gap and while the history is too short. */
  score: number
  /** During an alarm the level from before the alarm. */
  expected: number
  /** Half the width of the range without alarm, around `expected`. */
  range: number
  /** The value ends eight days on one side of the old level: the new level is accepted. */
  isShift: boolean
}

const thresholds: Record<Sensitivity, number> = { low: 1.3, medium: 1, high: 0.8 }
const daySeconds = 86_400
const longestSeason = 4_096

/** Below a day, values are many: the threshold is higher, one alarm a day is enough, and each makes the next harder. */
const settings = {
  daily: { rates: [0.03, 0.1, 0.3], k: 3.8, meanK: 3.4, means: [3, 5], percent: 10, fatigue: 0.05, fatigueDays: 60 },
  fine: { rates: [0.01, 0.1, 0.4], k: 4.5, meanK: 4.5, means: [6], percent: 0, fatigue: 0.4, fatigueDays: 10 },
}
const historyDays = 180
const historySteps = 8_640
const floorRatio = 0.02
const historyClip = 2.6
const slotMemory = 20
const shiftDays = 8
const returnDays = 28
const mergeDays = 3
const mostScore = 1e6

interface Mean {
  mean: number
  scale: number
  magnitudes: Magnitudes
}

/** Judges a series value by value. */
export class Detector {
  readonly #start: number
  readonly #stepSeconds: number
  readonly #perDay: number
  readonly #isFine: boolean
  readonly #set: (typeof settings)[keyof typeof settings]
  readonly #threshold: number
  readonly #smoothers: Smoother[]
  readonly #slow: Smoother[]
  readonly #errors: Magnitudes
  readonly #means: { length: number; magnitudes: Magnitudes }[]
  readonly #slots: { sum: Float64Array; weight: Float64Array }
  readonly #month: MonthEffect | undefined
  readonly #recent: number[] = []
  #run: { side: number; steps: number; errors: number[]; hasAlarm: boolean } = emptyRun()
  #step = 0
  #seen = 0
  #meanSize = 0
  #meanError = 0
  #fatigue = 0
  #lastAlarm = -Infinity
  #held: { smoother: Smoother; level: number } | undefined
  #former = { offset: 0, until: -1, returns: 0 }

  constructor({ start, stepSeconds }: Omit<Series, 'values'>, sensitivity: Sensitivity = 'medium') {
    this.#start = Date.parse(start)
    this.#stepSeconds = stepSeconds
    this.#perDay = Math.max(1, Math.round(daySeconds / stepSeconds))
    this.#isFine = this.#perDay > 1
    this.#set = this.#isFine ? settings.fine : settings.daily
    this.#threshold = thresholds[sensitivity]
    const periods = [1, ...seasonsOf(stepSeconds)]
    const memory = 60 * Math.min(this.#perDay, 24)
    this.#smoothers = periods.flatMap((period) => this.#set.rates.map((rate) => new Smoother(period, rate, memory)))
    this.#slow = this.#smoothers.filter(({ rate }) => rate === this.#set.rates[0])
    const capacity = Math.min(historyDays * this.#perDay, historySteps)
    this.#errors = new Magnitudes(capacity)
    this.#means = this.#set.means.map((length) => ({ length, magnitudes: new Magnitudes(capacity) }))
    const slots = periods[1] ?? 1
    this.#slots = { sum: new Float64Array(slots), weight: new Float64Array(slots) }
    this.#month = stepSeconds === daySeconds && !Number.isNaN(this.#start) ? new MonthEffect() : undefined
  }

  next(value: number | null): Judgement {
    const step = this.#step++
    const time = this.#start + step * this.#stepSeconds * 1000
    const effect = this.#month?.at(time) ?? 0
    const chosen = best(this.#smoothers)
    const scale = Math.max(this.#errors.scale * this.#slotFactor(step), floorRatio * this.#meanSize)
    const forecast = chosen.predict(step) + effect
    const range = this.#set.k * this.#threshold * scale
    if (value === null || !(Math.abs(value) < 1e300)) return { score: 0, expected: forecast, range, isShift: false }
    const slowForecast = best(this.#slow).predict(step) + effect
    const back = this.#wayBack(step, value - forecast)
    const error = value - forecast + back
    const slowError = value - slowForecast + back
    const means = this.#meansWith(slowError)
    const score = this.#fatigued(step, this.#score(error, slowError, scale, means, value - error))
    this.#hold(step, score, chosen)
    const expected = this.#held ? this.#held.level + this.#held.smoother.seasonAt(step) + effect : value - error
    this.#month?.add(time, error + effect, scale)
    this.#remember(step, value, error, scale, means, score)
    for (const smoother of this.#smoothers) smoother.update(step, value - effect, scale)
    const isShift = this.#accept(step, error, value - forecast, scale, score)
    return { score, expected, range, isShift }
  }

  /** Saturdays may be calmer than Mondays: mean error of this slot of the season over that of all, shrunk towards 1. */
  #slotFactor(step: number): number {
    const { sum, weight } = this.#slots
    const slot = step % sum.length
    return sum.length > 1 ? ((sum[slot] ?? 0) + 2) / ((weight[slot] ?? 0) + 2) : 1
  }

  /** The way back to the level before an accepted shift is no anomaly; two values there restore that level. */
  #wayBack(step: number, error: number): number {
    const former = this.#former
    const isBack = step < former.until && Math.abs(error + former.offset) < Math.abs(error)
    former.returns = isBack ? former.returns + 1 : 0
    if (former.returns === 2) {
      for (const smoother of this.#smoothers) smoother.level -= former.offset
      former.until = -1
    }
    return isBack ? former.offset : 0
  }

  #meansWith(slowError: number): Mean[] {
    const recent = this.#recent
    recent.push(slowError)
    if (recent.length > Math.max(...this.#set.means)) recent.shift()
    return this.#means
      .filter(({ length }) => recent.length >= length)
      .map(({ length, magnitudes }) => ({
        mean: recent.slice(-length).reduce((sum, error) => sum + error, 0) / length,
        scale: Math.max(magnitudes.scale, (floorRatio * this.#meanSize) / Math.sqrt(length)),
        magnitudes,
      }))
  }

  /** A mean counts only where the value itself takes part in it: a slow ramp, not the echo of a spike. */
  #score(error: number, slowError: number, scale: number, means: readonly Mean[], expected: number): number {
    if (this.#seen < Math.max(10, this.#perDay)) return 0
    const { k, meanK, percent } = this.#set
    const active = means.filter(({ mean }) => slowError * mean > 0 && Math.abs(slowError) >= Math.abs(mean) / 2)
    const surprises = [ratio(error, k * scale), ...active.map(({ mean, scale }) => ratio(mean, meanK * scale))]
    const impact = Math.max(Math.abs(error), ...means.map(({ mean }) => Math.abs(mean)))
    const floor = (percent / 100) * Math.max(Math.abs(expected), this.#meanSize)
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
    if (step - this.#lastAlarm > mergeDays * this.#perDay) this.#held = undefined
    if (score < 1) return
    this.#held ??= { smoother, level: smoother.level }
    this.#lastAlarm = step
  }

  /** An event counts once in the history: neither its later values nor its size widen the range. */
  #remember(step: number, value: number, error: number, scale: number, means: readonly Mean[], score: number): void {
    this.#seen++
    this.#meanSize += (Math.abs(value) - this.#meanSize) / Math.min(this.#seen, historySteps)
    const isAlarm = score >= 1
    if (isAlarm && this.#run.hasAlarm && this.#run.side === Math.sign(error)) return
    const clip = (size: number, scale: number) => (scale > 0 ? Math.min(size, historyClip * scale) : size)
    const median = this.#errors.quantile(0.5)
    this.#errors.add(clip(Math.abs(error), scale) / this.#slotFactor(step))
    for (const { mean, scale, magnitudes } of means) magnitudes.add(clip(Math.abs(mean), scale))
    if (median > 0 && !isAlarm) this.#learnSlot(step, Math.min(Math.abs(error), 3 * median))
  }

  #learnSlot(step: number, size: number): void {
    if (this.#meanError > 0) {
      const { sum, weight } = this.#slots
      const slot = step % sum.length
      sum[slot] = (sum[slot] ?? 0) * (1 - 1 / slotMemory) + size / this.#meanError
      weight[slot] = (weight[slot] ?? 0) * (1 - 1 / slotMemory) + 1
    }
    this.#meanError += (size - this.#meanError) / Math.min(this.#seen, 100)
  }

  /** After eight days on one side, one of them alarmed, and not still climbing, the level moves there. */
  #accept(step: number, error: number, move: number, scale: number, score: number): boolean {
    const steps = shiftDays * this.#perDay
    const side = Math.abs(error) > scale ? Math.sign(error) : 0
    if (side !== this.#run.side) this.#run = { ...emptyRun(), side }
    if (side === 0) return false
    const run = this.#run
    run.steps++
    run.errors.push(move)
    if (run.errors.length > steps) run.errors.shift()
    run.hasAlarm ||= score >= 1
    if (run.steps < steps || !run.hasAlarm) return false
    const early = meanOf(run.errors.slice(0, steps / 2))
    const late = meanOf(run.errors.slice(steps / 2))
    const offset = (early + late) / 2
    if (Math.abs(late - early) > 0.3 * Math.abs(offset) && run.steps < 4 * steps) return false
    for (const smoother of this.#smoothers) smoother.level += offset * (1 - smoother.rate) ** (steps / 2)
    this.#former = { offset, until: step + returnDays * this.#perDay, returns: 0 }
    this.#run = emptyRun()
    this.#recent.length = 0
    this.#held = undefined
    return true
  }
}

const emptyRun = () => ({ side: 0, steps: 0, errors: [] as number[], hasAlarm: false })
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
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
