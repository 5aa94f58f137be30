import { Magnitudes } from '../series/magnitudes.ts'

const historyDays = 180
const historySteps = 8_640
/** Of the mean size of the values: no series is steadier. */
const floorRatio = 0.02
const historyClip = 2.6
/** A scale of few errors is uncertain: it is larger by this over their number. */
const smallSample = 5
const slotMemory = 20

/** A mean of the latest errors, and its usual size. */
export interface Mean {
  mean: number
  scale: number
  magnitudes: Magnitudes
}

/** The usual size of one-step errors and of their means. */
export class Spread {
  readonly #errors: Magnitudes
  readonly #means: { length: number; magnitudes: Magnitudes }[]
  readonly #longest: number
  readonly #slots: { sum: Float64Array; weight: Float64Array }
  readonly #recent: number[] = []
  #meanError = 0
  /** Values so far. */
  count = 0
  /** Mean absolute value. */
  meanSize = 0

  /** `slots` is the length of the season. */
  constructor(slots: number, perDay: number, lengths: readonly number[]) {
    const capacity = Math.min(historyDays * perDay, historySteps)
    this.#errors = new Magnitudes(capacity)
    this.#means = lengths.map((length) => ({ length, magnitudes: new Magnitudes(capacity) }))
    this.#longest = Math.max(...lengths)
    this.#slots = { sum: new Float64Array(slots), weight: new Float64Array(slots) }
  }

  scaleAt(step: number): number {
    const uncertainty = 1 + smallSample / Math.max(1, this.#errors.size)
    return Math.max(this.#errors.scale * uncertainty * this.#slotFactor(step), floorRatio * this.meanSize)
  }

  meansWith(error: number): Mean[] {
    const recent = this.#recent
    recent.push(error)
    if (recent.length > this.#longest) recent.shift()
    return this.#means
      .filter(({ length }) => recent.length >= length)
      .map(({ length, magnitudes }) => ({
        mean: recent.slice(-length).reduce((sum, error) => sum + error, 0) / length,
        scale: Math.max(magnitudes.scale, (floorRatio * this.meanSize) / Math.sqrt(length)),
        magnitudes,
      }))
  }

  /** Forgets the errors of a predictor that did not know the season yet. */
  restart(errors: readonly number[]): void {
    this.#errors.clear()
    for (const error of errors) this.#errors.add(error)
  }

  /** The latest errors are those of another level. */
  forgetLatest(): void {
    this.#recent.length = 0
  }

  /** The errors of a level grow with it. */
  scaleBy(factor: number): void {
    this.#errors.scaleBy(factor)
    for (const { magnitudes } of this.#means) magnitudes.scaleBy(factor)
    this.#meanError *= factor
  }

  /** An event counts once, and clipped: neither its later values nor its size widen the range. */
  add(step: number, seen: Seen): void {
    const { value, error, scale, means, isKnown } = seen
    this.count++
    this.meanSize += (Math.abs(value) - this.meanSize) / Math.min(this.count, historySteps)
    if (isKnown) return
    const median = this.#errors.quantile(0.5)
    this.#errors.add(clip(Math.abs(error), scale) / this.#slotFactor(step))
    for (const { mean, scale, magnitudes } of means) magnitudes.add(clip(Math.abs(mean), scale))
    if (median > 0) this.#learnSlot(step, Math.min(Math.abs(error), 3 * median))
  }

  /** Saturdays may be calmer than Mondays: mean error of this slot of the season over that of all, shrunk towards 1. */
  #slotFactor(step: number): number {
    const { sum, weight } = this.#slots
    const slot = step % sum.length
    return sum.length > 1 ? ((sum[slot] ?? 0) + 2) / ((weight[slot] ?? 0) + 2) : 1
  }

  #learnSlot(step: number, size: number): void {
    if (this.#meanError > 0) {
      const { sum, weight } = this.#slots
      const slot = step % sum.length
      sum[slot] = (sum[slot] ?? 0) * (1 - 1 / slotMemory) + size / this.#meanError
      weight[slot] = (weight[slot] ?? 0) * (1 - 1 / slotMemory) + 1
    }
    this.#meanError += (size - this.#meanError) / Math.min(this.count, 100)
  }
}

interface Seen {
  value: number
  error: number
  scale: number
  means: readonly Mean[]
  /** The value continues an alarm. */
  isKnown: boolean
}

const clip = (size: number, scale: number) => (scale > 0 ? Math.min(size, historyClip * scale) : size)
