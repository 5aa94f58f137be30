const months = 3

/** Fees on a fixed day: what the same day of the last three months had beyond the baseline, if it always did. */
export class MonthEffect {
  readonly #seen = new Map<number, { excess: number; scales: number }[]>()

  /** 0 unless each of the last three months had an excess of the same sign of at least 1.5 scales on this day. */
  at(time: number): number {
    const seen = this.#seen.get(keyOf(time)) ?? []
    const sign = Math.sign(seen[0]?.excess ?? 0)
    const isFee = seen.length === months && seen.every(({ excess, scales }) => excess * sign > 0 && scales >= 1.5)
    return isFee ? (seen.map(({ excess }) => excess).sort((a, b) => a - b)[1] ?? 0) : 0
  }

  add(time: number, excess: number, scale: number): void {
    const key = keyOf(time)
    const seen = [...(this.#seen.get(key) ?? []), { excess, scales: scale > 0 ? Math.abs(excess) / scale : 0 }]
    this.#seen.set(key, seen.slice(-months))
  }
}

/** Days from the end, as negative numbers, for the last three days of a month. */
function keyOf(time: number): number {
  const day = new Date(time)
  const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate()
  const left = last - day.getUTCDate()
  return left < 3 ? -left - 1 : day.getUTCDate()
}
