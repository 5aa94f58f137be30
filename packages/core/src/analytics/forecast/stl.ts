// Seasonal and trend decomposition by loess (Cleveland, Cleveland, McRae and Terpenning, 1990), without robustness
// weights: outliers are clipped before. With several periods: MSTL (Bandara, Hyndman and Bergmeir, 2021).

interface Decomposition {
  /** The seasonal part of each value, one array per period. */
  seasons: Float64Array[]
  trend: Float64Array
}

/** Loess over values[offset + i * stride], exact at every `jump`-th position and linear between. */
function loess(
  values: Float64Array,
  count: number,
  window: number,
  degree: 0 | 1,
  jump: number,
  out: Float64Array,
  { offset = 0, stride = 1, outOffset = 0, outStride = 1, from = 0, to = count - 1 } = {},
): void {
  let last = from
  let lastFit = 0
  for (let x = from; ; x = Math.min(x + jump, to)) {
    const width = Math.min(window, count)
    const left = Math.max(0, Math.min(x - (width >> 1), count - width))
    const right = left + width - 1
    const reach = Math.max(x - left, right - x) + (window > count ? (window - count) / 2 : 0) + 1e-9
    let sw = 0
    let sx = 0
    let sy = 0
    let sxx = 0
    let sxy = 0
    for (let i = left; i <= right; i++) {
      const d = i - x
      const r = (d < 0 ? -d : d) / reach
      const c = 1 - r * r * r
      const w = c <= 0 ? 0 : c * c * c
      const y = values[offset + i * stride] ?? 0
      sw += w
      sx += w * d
      sy += w * y
      sxx += w * d * d
      sxy += w * d * y
    }
    let fit = sw > 0 ? sy / sw : (values[offset + Math.max(0, Math.min(count - 1, x)) * stride] ?? 0)
    const spread = sw * sxx - sx * sx
    if (degree === 1 && spread > 1e-9 * sw * sw) fit -= ((sw * sxy - sx * sy) / spread) * (sx / sw)
    out[outOffset + (x - from) * outStride] = fit
    for (let i = last + 1; i < x; i++)
      out[outOffset + (i - from) * outStride] = lastFit + ((fit - lastFit) * (i - last)) / (x - last)
    last = x
    lastFit = fit
    if (x >= to) return
  }
}

/** Moving averages of `width` values: `count` values become `count - width + 1`. */
function average(values: Float64Array, count: number, width: number, out: Float64Array): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    sum += (values[i] ?? 0) - (i < width ? 0 : (values[i - width] ?? 0))
    if (i >= width - 1) out[i - width + 1] = sum / width
  }
  return count - width + 1
}

export const weeksOfYear = 52

/** Means of five neighbors: years are few, and their weeks differ little. Beyond an end, the same phase stands in. */
function smoothed(season: Float64Array, period: number): Float64Array {
  const at = (i: number) => season[i < 0 ? i + period : i < season.length ? i : i - period] ?? 0
  return season.map((value, i) => (at(i - 2) + at(i - 1) + value + at(i + 1) + at(i + 2)) / 5)
}

const odd = (value: number) => Math.max(3, Math.ceil(value) | 1)

/** Decomposes values by one or more periods; `cycles` is the seasonal window, `Infinity` means a fixed season. */
export function stl(values: Float64Array, count: number, periods: readonly number[], cycles: number): Decomposition {
  const seasons = periods.map(() => new Float64Array(count))
  const trend = new Float64Array(count)
  const rest = new Float64Array(count)
  const longest = periods.at(-1) ?? 1
  const cycle = new Float64Array(count + 2 * longest)
  const [first, second] = [new Float64Array(count + 2 * longest), new Float64Array(count + 2 * longest)]
  for (let round = 0; round < (periods.length > 1 ? 2 : 1); round++)
    for (const [index, period] of periods.entries()) {
      const season = seasons[index] ?? rest
      const trendWindow = odd((1.5 * period) / (1 - 1.5 / Math.min(cycles, (10 * count) / period + 7)))
      for (let pass = 0; pass < 2; pass++) {
        for (let i = 0; i < count; i++) {
          let value = (values[i] ?? 0) - (trend[i] ?? 0)
          for (let other = 0; other < seasons.length; other++) if (other !== index) value -= seasons[other]?.[i] ?? 0
          rest[i] = value
        }
        for (let phase = 0; phase < period; phase++) {
          const length = Math.ceil((count - phase) / period)
          const window = Number.isFinite(cycles) ? cycles : 10 * length + 1
          const place = { offset: phase, stride: period, outOffset: phase, outStride: period, from: -1, to: length }
          loess(rest, length, window, 0, Number.isFinite(cycles) ? Math.ceil(window / 10) : length + 1, cycle, place)
        }
        const extended = count + 2 * period
        const low = average(first, average(second, average(cycle, extended, period, second), period, first), 3, second)
        loess(second, low, odd(period), 1, Math.max(1, Math.ceil(period / 10)), first)
        for (let i = 0; i < count; i++) season[i] = (cycle[i + period] ?? 0) - (first[i] ?? 0)
        if (period === weeksOfYear) season.set(smoothed(season, period))
        for (let i = 0; i < count; i++) {
          rest[i] = (rest[i] ?? 0) + (trend[i] ?? 0) - (season[i] ?? 0)
        }
        loess(rest, count, trendWindow, 1, Math.max(1, Math.ceil(trendWindow / 10)), trend)
      }
    }
  return { seasons, trend }
}
