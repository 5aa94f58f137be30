/** The largest absolute value; 0 without any. */
export function largest(values: Float64Array): number {
  let max = 0
  for (const value of values) max = Math.max(max, Math.abs(value))
  return max
}

/** The median of the values, or NaN without any. */
export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}

/** The quantile of sorted values, interpolated between neighbors (type 7 of Hyndman and Fan, 1996); NaN without any. */
export function quantile(sorted: ArrayLike<number>, probability: number): number {
  const position = (sorted.length - 1) * probability
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  const share = position - Math.floor(position)
  // The difference of the largest numbers is infinite.
  return low === high ? low : low * (1 - share) + high * share
}

/** The quantile of the standard normal distribution, error below 1.2e-9 (P. J. Acklam, 2003). */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability)
  if (probability < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(Math.max(probability, Number.MIN_VALUE)))
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    )
  }
  const q = probability - 0.5
  const r = q * q
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  )
}

/** A seeded generator of uniform numbers in [0, 1) (mulberry32, T. Ettinger). */
export function random(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The point of the smallest value that the simplex method finds (Nelder and Mead, 1965), within a number of steps. */
export function minimize(
  objective: (point: Float64Array) => number,
  start: Float64Array,
  steps: Float64Array,
  iterations: number,
): Float64Array {
  const size = start.length
  const corner = (point: Float64Array) => ({ point, value: objective(point) })
  const simplex = [corner(start)]
  for (let i = 0; i < size; i++)
    simplex.push(corner(start.map((value, j) => (i === j ? value + (steps[j] ?? 0) : value))))
  for (let iteration = 0; iteration < iterations; iteration++) {
    simplex.sort((a, b) => a.value - b.value)
    const [best, worst] = [simplex[0], simplex[size]]
    if (!best || !worst) return start
    const center = start.map((_, j) => {
      let sum = 0
      for (let i = 0; i < size; i++) sum += simplex[i]?.point[j] ?? 0
      return sum / size
    })
    const move = (factor: number) => corner(center.map((value, j) => value + factor * ((worst.point[j] ?? 0) - value)))
    const reflected = move(-1)
    const second = simplex[size - 1]?.value ?? best.value
    let next = reflected
    if (reflected.value < best.value) {
      const expanded = move(-2)
      if (expanded.value < reflected.value) next = expanded
    } else if (reflected.value >= second) next = move(reflected.value < worst.value ? -0.5 : 0.5)
    if (next.value < worst.value) simplex[size] = next
    else
      for (let i = 1; i <= size; i++) {
        const other = simplex[i]?.point ?? start
        simplex[i] = corner(best.point.map((value, j) => (value + (other[j] ?? 0)) / 2))
      }
  }
  return simplex.reduce((best, other) => (other.value < best.value ? other : best)).point
}
