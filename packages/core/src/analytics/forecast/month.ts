import { largest, median } from '../series/numeric.ts'
import { settings } from './settings.ts'

/** The day of the month of each value of a daily series, also of future ones; 0 is the last day of a month. */
export function daysFrom(start: number, count: number): Uint8Array {
  const days = new Uint8Array(count)
  for (let i = 0; i < count;) {
    const first = new Date(start + i * 86_400_000)
    const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
    for (let day = first.getUTCDate(); day <= last && i < count; day++) days[i++] = day === last ? 0 : day
  }
  return days
}

/**
 * Effect of each day of the month on the rest of a decomposition: the median of its days, shrunk by its evidence (James
 * and Stein, 1961) so that chance leaves almost nothing. Without three months of history there is none.
 */
export function monthEffect(rest: Float64Array, count: number, daysOfMonth: Uint8Array): Float64Array {
  const effect = new Float64Array(31)
  if (count < 90) return effect
  const days: number[][] = Array.from({ length: 31 }, () => [])
  for (let i = 0; i < count; i++) days[daysOfMonth[i] ?? 0]?.push(rest[i] ?? 0)
  const spread = 1.4826 * median(rest.subarray(0, count).map(Math.abs))
  for (const [day, values] of days.entries()) {
    const typical = median(values)
    // The variance of a median is pi/2 times that of a mean.
    const evidence = values.length > 2 ? (typical * typical * values.length) / (1.571 * spread * spread + 1e-18) : 0
    effect[day] = evidence > settings.monthEvidence ? typical * (1 - settings.monthEvidence / evidence) : 0
  }
  // A high day pulls the trend up and its neighbors down: the strongest days leave first.
  const strongest = largest(effect)
  return effect.map((value) => (Math.abs(value) >= 0.5 * strongest ? value : 0))
}
