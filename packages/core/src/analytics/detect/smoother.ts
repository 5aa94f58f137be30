const clipScales = 3
const seasonRate = 0.06

interface Options {
  /** 1 has no season. */
  period: number
  rate: number
  /** Steps that the mean error looks back. */
  memory: number
  /** The number of values of one phase, all off its season in one direction, that make a new season. */
  misses: number
  /** The first step. */
  first: number
}

/**
 * Additive exponential smoothing with one season (Holt, 1957; Winters, 1960), whose updates use the error clipped at three
 * scales (Gelper, Fried and Croux, 2010), so that an anomaly does not spoil the baseline.
 */
export class Smoother {
  readonly period: number
  readonly rate: number
  readonly #memory: number
  readonly #mostMisses: number
  readonly #first: number
  #season: Float64Array
  #formerSeason: Float64Array
  readonly #visits: Uint32Array
  readonly #misses = new Map<number, number[]>()
  #count = 0
  #hasBegun: boolean
  #loss = 0
  #weight = 0
  level = 0
  /** The first absolute errors after one season, for at most another one. */
  readonly early: number[] = []

  constructor({ period, rate, memory, misses, first }: Options) {
    this.period = period
    this.rate = rate
    this.#memory = memory
    this.#mostMisses = misses
    this.#first = first
    this.#season = new Float64Array(period)
    this.#formerSeason = this.#season
    this.#visits = new Uint32Array(period)
    this.#hasBegun = period === 1
  }

  /** Mean of the clipped absolute one-step errors; infinite before half a season has been tried. */
  get error(): number {
    const isTried = this.#weight >= Math.min(this.period / 2, this.#memory / 2)
    return this.#hasBegun && isTried && this.#weight > 0 ? this.#loss / this.#weight : Infinity
  }

  seasonAt(step: number): number {
    return this.#season[step % this.period] ?? 0
  }

  predict(step: number): number {
    return this.#hasBegun ? this.level + this.seasonAt(step) : this.level
  }

  /** Predictions of a level with the season of now. */
  frozen(level: number): (step: number) => number {
    const season = this.#season.slice()
    return (step) => level + (season[step % season.length] ?? 0)
  }

  /** The season grows with its level. */
  scaleSeason(ratio: number): void {
    this.#formerSeason = this.#season
    this.#season = this.#season.map((value) => value * ratio)
  }

  /** The season from before its last scaling. */
  restoreSeason(): void {
    this.#season = this.#formerSeason.slice()
  }

  update(step: number, value: number, scale: number): void {
    const slot = step % this.period
    if (!this.#hasBegun && step - this.#first >= this.period) this.#begin(value)
    if (!this.#hasBegun) this.#season[slot] = value
    else {
      if (this.#count === 0) this.level = value
      const error = value - this.predict(step)
      if (this.early.length < this.period) this.early.push(Math.abs(error))
      const bound = scale > 0 ? clipScales * scale : Infinity
      const clipped = Math.max(-bound, Math.min(bound, error))
      const keep = 1 - 1 / this.#memory
      this.#loss = this.#loss * keep + Math.abs(clipped)
      this.#weight = this.#weight * keep + 1
      const moved = Math.max(this.rate, 1 / (this.#count + 1)) * clipped
      this.level += moved
      const visits = this.#visits[slot] ?? 0
      if (this.period > 1) {
        const learned = this.#missed(slot, error, bound) ?? Math.max(seasonRate, 1 / (visits + 1)) * (clipped - moved)
        this.#season[slot] = this.seasonAt(step) + learned
      }
    }
    this.#visits[slot] = (this.#visits[slot] ?? 0) + 1
    this.#count++
  }

  /** The smallest of the last errors of a phase, if all of them are too large and of one direction. */
  #missed(slot: number, error: number, bound: number): number | undefined {
    const before = this.#misses.get(slot)?.filter((miss) => miss * error > 0) ?? []
    const misses = Math.abs(error) > bound && this.#mostMisses < Infinity ? [...before, error] : []
    const isNew = misses.length >= this.#mostMisses
    if (isNew || misses.length === 0) this.#misses.delete(slot)
    else this.#misses.set(slot, misses)
    return isNew ? misses.reduce((least, other) => (Math.abs(other) < Math.abs(least) ? other : least)) : undefined
  }

  #begin(value: number): void {
    let sum = 0
    for (let slot = 0; slot < this.period; slot++) sum += this.#season[slot] ?? 0
    this.level = this.#count ? sum / this.#count : value
    for (let slot = 0; slot < this.period; slot++)
      this.#season[slot] = this.#visits[slot] ? (this.#season[slot] ?? 0) - this.level : 0
    this.#hasBegun = true
  }
}

/** The smoother with the least error; a later one must beat an earlier one by 3 %. */
export function best(smoothers: readonly Smoother[]): Smoother {
  return smoothers.reduce((chosen, other) => (other.error < 0.97 * chosen.error ? other : chosen))
}
