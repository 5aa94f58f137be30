import { quantile } from './numeric.ts'

/** The latest magnitudes, kept in order, so that a quantile costs nothing. */
export class Magnitudes {
  readonly #sorted: Float64Array
  readonly #ring: Float64Array
  #size = 0
  #next = 0

  constructor(capacity: number) {
    this.#sorted = new Float64Array(capacity)
    this.#ring = new Float64Array(capacity)
  }

  add(value: number): void {
    if (this.#size === this.#ring.length) {
      const oldest = this.#find(this.#ring[this.#next] ?? 0)
      this.#sorted.copyWithin(oldest, oldest + 1, this.#size)
      this.#size--
    }
    const at = this.#find(value)
    this.#sorted.copyWithin(at + 1, at, this.#size)
    this.#sorted[at] = value
    this.#size++
    this.#ring[this.#next] = value
    this.#next = (this.#next + 1) % this.#ring.length
  }

  get size(): number {
    return this.#size
  }

  clear(): void {
    this.#size = 0
    this.#next = 0
  }

  scaleBy(factor: number): void {
    for (const values of [this.#sorted, this.#ring])
      for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * factor
  }

  quantile(probability: number): number {
    return this.#size ? quantile(this.#sorted.subarray(0, this.#size), probability) : 0
  }

  /** A robust standard deviation, at least by its 97 % quantile, which makes one threshold fit all series. */
  get scale(): number {
    return Math.max(1.4826 * this.quantile(0.5), this.quantile(0.97) / 2.17)
  }

  #find(value: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sorted[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
