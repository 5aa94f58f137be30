import { random } from '../../packages/core/src/analytics/series/numeric.ts'

type Values = readonly (number | null)[]
type Window = readonly [number, number]

/** Size as a share of the mean of the eight weeks before: on one day, on six days, or growing for two weeks. */
export const cells = [
  { kind: 'spike', days: 1, size: 1 },
  { kind: 'spike', days: 1, size: 2 },
  { kind: 'plateau', days: 6, size: 0.6 },
  { kind: 'plateau', days: 6, size: 1.2 },
  { kind: 'ramp', days: 14, size: 1 },
  { kind: 'ramp', days: 14, size: 2 },
] as const

const weekday = [-0.2, -0.1, 0.05, 0.35, 0.4, 0, -0.5]

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/**
 * Two years of daily withdrawals of a cash machine in the manner of the competition NN5: a strong week, correlated noise
 * of 10 to 28 % with a heavy tail, drift and steps of the level, paydays, holidays, gaps and zeros.
 */
export function cashMachine(seed: number, length = 735): Values {
  const next = random(seed)
  const level = 10 + 30 * next()
  const week = weekday.map((effect) => 1 + effect * (0.4 + next()))
  const noise = 0.1 + 0.18 * next()
  const drift = 0.004 + 0.008 * next()
  const payday = 0.2 * next()
  const phase = Math.floor(7 * next())
  const stay = 0.1 + 0.4 * next()
  let [trend, rest] = [0, 0]
  return Array.from({ length }, (_, i) => {
    trend = 0.998 * trend + drift * normal(next) + (next() < 1 / 500 ? 0.25 * normal(next) : 0)
    rest = stay * rest + Math.sqrt(1 - stay * stay) * noise * (next() < 0.03 ? 2.5 : 1) * normal(next)
    const effects = (week[(i + phase) % 7] ?? 1) + (i % 30.4 < 3 ? payday : 0) + (i % 365 > 350 ? 0.2 : 0)
    const chance = next()
    return chance < 0.015 ? null : chance < 0.017 ? 0 : level * Math.exp(trend) * effects * Math.max(0, 1 + rest)
  })
}

/** A cost that is 20 % lower on two days of the week, with normal noise and without anomalies. */
export function steadyCost(seed: number, noise: number, length = 400): Values {
  const next = random(seed)
  const phase = Math.floor(7 * next())
  return Array.from({ length }, (_, i) => ((i + phase) % 7 < 5 ? 105 : 85) * (1 + noise * normal(next)))
}

/** Adds an anomaly about every 120 days, the first one after 100 days. */
export function inject(seed: number, values: Values, { kind, days, size }: (typeof cells)[number]) {
  const next = random(seed * 7_919 + 13)
  const gap = () => Math.floor(60 * next())
  const injected = [...values]
  const windows: Window[] = []
  for (let from = 100 + gap(); from + days + 10 < values.length; from += 90 + gap()) {
    const before = values.slice(from - 56, from).filter((value) => value !== null)
    const mean = before.reduce((sum, value) => sum + value, 0) / before.length
    for (let i = 0; i < days; i++) {
      const part = kind === 'ramp' ? (i + 1) / days : 1
      injected[from + i] = (injected[from + i] ?? mean) + mean * size * part
    }
    windows.push([from, from + days - 1])
  }
  return { values: injected, windows }
}

/** Alarms at most three days apart are one event; an event that touches a window, or the day after it, finds it. */
export function countEvents(alarms: readonly boolean[], windows: readonly Window[]) {
  const events: [number, number][] = []
  for (const [i, isAlarm] of alarms.entries()) {
    const last = events.at(-1)
    if (isAlarm && last && i - last[1] <= 3) last[1] = i
    else if (isAlarm) events.push([i, i])
  }
  const touches = ([from, to]: Window, [first, last]: Window) => to >= first && from <= last + 1
  const found = windows.filter((window) => events.some((event) => touches(event, window))).length
  const wrong = events.filter((event) => !windows.some((window) => touches(event, window))).length
  return { found, missed: windows.length - found, wrong }
}
