import type { Detect } from '@cloudoptima/core'

type Method = (series: Detect.Series) => number[]

const isValue = (value: number | null | undefined): value is number => value != null
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const perDayOf = ({ stepSeconds }: Detect.Series) => Math.max(1, Math.round(86_400 / stepSeconds))

/** Distance to the mean of the last 56 days (one day of finer values), in standard deviations. */
export const rollingZ: Method = (series) => {
  const perDay = perDayOf(series)
  const length = perDay > 1 ? perDay : 56
  return series.values.map((value, i) => {
    const past = series.values.slice(Math.max(0, i - length), i).filter(isValue)
    const center = mean(past)
    const deviation = Math.sqrt(mean(past.map((other) => (other - center) ** 2)))
    return isValue(value) && past.length >= 14 && deviation > 0 ? Math.abs(value - center) / deviation / 3 : 0
  })
}

/** The same on what is left of a value after the mean of the last six at this place of the season. */
export const seasonalZ: Method = (series) => {
  const season = perDayOf(series) > 1 ? perDayOf(series) : 7
  const { values } = series
  const rest = values.map((value, i) => {
    const same = [1, 2, 3, 4, 5, 6].map((cycles) => values[i - cycles * season]).filter(isValue)
    return isValue(value) && same.length >= 2 ? value - mean(same) : null
  })
  return rollingZ({ ...series, values: rest })
}

/**
 * Seasonal hybrid ESD (Hochenbaum, Vallis and Kejariwal, 2017), applied to each value with the 14 cycles before it: median
 * of the season and of the level, median absolute deviation, and Grubbs' critical value at 5 %.
 */
export const seasonalEsd: Method = (series) => {
  const perDay = perDayOf(series)
  const season = perDay > 1 ? perDay : 7
  const every = Math.max(1, Math.round(perDay / 24))
  const { values } = series
  let model = { slots: [] as number[], level: 0, limit: Infinity }
  return values.map((value, i) => {
    if (i % every === 0 && i >= 2 * season) model = fit(values.slice(Math.max(0, i - 14 * season), i), i, season)
    const rest = isValue(value) ? value - (model.slots[i % season] ?? 0) - model.level : 0
    return rest === 0 ? 0 : Math.min(1e6, Math.abs(rest) / model.limit)
  })
}

function fit(past: Detect.Series['values'], end: number, season: number) {
  const first = end - past.length
  const slots = Array.from({ length: season }, () => [] as number[])
  for (const [j, value] of past.entries()) if (isValue(value)) slots[(first + j) % season]?.push(value)
  const medians = slots.map(median)
  const rests = past.flatMap((value, j) => (isValue(value) ? [value - (medians[(first + j) % season] ?? 0)] : []))
  const level = median(rests)
  const deviation = 1.4826 * median(rests.map((rest) => Math.abs(rest - level)))
  return { slots: medians, level, limit: grubbs(rests.length) * deviation }
}

/** Student's quantile from the normal one (Abramowitz and Stegun, 26.2.23 and 26.7.5). */
function grubbs(count: number): number {
  const u = Math.sqrt(-2 * Math.log(0.05 / (2 * count)))
  const z = u - (2.515517 + 0.802853 * u + 0.010328 * u * u) / (1 + 1.432788 * u + 0.189269 * u * u + 0.001308 * u ** 3)
  const t = z + (z ** 3 + z) / (4 * (count - 2))
  return ((count - 1) * t) / Math.sqrt(count * (count - 2 + t * t))
}
