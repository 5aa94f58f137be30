import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '../../packages/core/src/analytics/series/numeric.ts'

/** A series with the values that follow it. */
export interface Case {
  id: string
  start: string
  stepSeconds: number
  values: (number | null)[]
  actual: number[]
  /** Period of the naive method that scales the error. */
  period: number
}

const noise = (next: () => number) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())

/** Seeded series like withdrawals from a cash machine: weekly season, slow level, month's end, zeros and gaps. */
function daily(seed: number): Case {
  const next = random(seed)
  const week = [1, 0.9, 1, 1.1, 1.5, 1.3, 0.5].map((share) => share * Math.exp(noise(next) / 5))
  const shift = Math.floor(next() * 1_400)
  const [spread, pay] = [0.2 + 0.2 * next(), 0.25 * next()]
  let [level, rest] = [0, 0]
  const all = Array.from({ length: 791 }, (_, i) => {
    level += 0.01 * noise(next) + (i === shift ? 0.5 : 0)
    rest = 0.4 * rest + spread * noise(next)
    const date = new Date(Date.UTC(2024, 0, 1 + i)).getUTCDate()
    return 20 * Math.exp(level + rest) * (week[i % 7] ?? 1) * (date >= 28 ? 1 + pay : 1) * (next() < 0.005 ? 0 : 1)
  })
  const values = all.slice(0, 735).map((value) => (next() < 0.015 ? null : value))
  return {
    id: `daily ${seed}`,
    start: '2024-01-01T00:00:00Z',
    stepSeconds: 86_400,
    values,
    actual: all.slice(735),
    period: 7,
  }
}

/** Seeded weekly series: a random walk with drift, and a yearly season in every second one. */
function weekly(seed: number): Case {
  const next = random(seed)
  const count = [90, 260, 600, 1_000][seed % 4] ?? 260
  const [drift, swing] = [noise(next), seed % 2 === 0 ? 0 : 150 * next()]
  let [level, step] = [2_000, 0]
  const all = Array.from({ length: count + 13 }, (_, i) => {
    step = 0.4 * step + 10 * noise(next)
    level += step + drift
    const angle = (2 * Math.PI * i) / 52.1775
    return level + swing * (Math.sin(angle) + 0.4 * Math.cos(2 * angle)) + 5 * noise(next)
  })
  const [values, actual] = [all.slice(0, count), all.slice(count)]
  return { id: `weekly ${seed}`, start: '2010-01-04T00:00:00Z', stepSeconds: 604_800, values, actual, period: 1 }
}

/** Seeded hourly series with a season of a day and of a week. */
function hourly(seed: number): Case {
  const next = random(seed)
  const day = Array.from(
    { length: 24 },
    (_, hour) => 1 + 0.5 * Math.sin((2 * Math.PI * (hour - 8)) / 24) + noise(next) / 10,
  )
  const weekend = 0.5 + 0.5 * next()
  let rest = 0
  const all = Array.from({ length: 748 }, (_, i) => {
    rest = 0.8 * rest + 0.05 * noise(next)
    return 300 * (day[i % 24] ?? 1) * (i % 168 >= 120 ? weekend : 1) * Math.exp(rest)
  })
  const [values, actual] = [all.slice(0, 700), all.slice(700)]
  return { id: `hourly ${seed}`, start: '2025-06-02T00:00:00Z', stepSeconds: 3_600, values, actual, period: 24 }
}

/** Seeded hourly series whose seasons multiply: another day at weekends, quiet nights, slow growth, little noise. */
function traffic(seed: number): Case {
  const next = random(seed)
  const count = seed % 3 === 0 ? 960 : 700
  const [growth, weekend, morning] = [0.0005 * noise(next), 0.4 + 0.4 * next(), 0.5 + next()]
  const peak = (hour: number, at: number, width: number) => Math.exp(-(((hour - at) / width) ** 2))
  const start = Math.floor(168 * next())
  let [level, rest] = [0, 0]
  const all = Array.from({ length: count + 48 }, (_, i) => {
    const [hour, isWeekend] = [(start + i) % 24, (start + i) % 168 >= 120]
    level += growth + 0.002 * noise(next)
    rest = 0.6 * rest + 0.04 * noise(next)
    const day = isWeekend ? weekend * peak(hour, 14, 6) : morning * peak(hour, 9, 3) + peak(hour, 18, 4)
    return 1_000 * (0.05 + day) * Math.exp(level + rest)
  })
  const [values, actual] = [all.slice(0, count), all.slice(count)]
  return { id: `traffic ${seed}`, start: '2025-06-02T00:00:00Z', stepSeconds: 3_600, values, actual, period: 24 }
}

/** Windows of 735 and 56 days of the daily series in a folder of CSV files with the columns `ds` and `y`. */
function observed(folder: string, file: string): Case[] {
  const days = new Map<number, number>()
  for (const line of readFileSync(join(folder, file), 'utf8').split('\n').slice(1)) {
    const [time = '', value = ''] = line.replaceAll('"', '').trim().split(',')
    if (value !== '' && Number.isFinite(Number(value))) days.set(Date.parse(`${time}T00:00:00Z`), Number(value))
  }
  const [first, last] = [Math.min(...days.keys()), Math.max(...days.keys())]
  const all = Array.from(
    { length: (last - first) / 86_400_000 + 1 },
    (_, i) => days.get(first + i * 86_400_000) ?? null,
  )
  const windows: Case[] = []
  for (let end = all.length; end >= 791; end -= 175) {
    const [values, actual] = [
      all.slice(end - 791, end - 56),
      all.slice(end - 56, end).map((value) => value ?? Number.NaN),
    ]
    const start = new Date(first + (end - 791) * 86_400_000).toISOString()
    windows.push({ id: `${file} ${end}`, start, stepSeconds: 86_400, values, actual, period: 7 })
  }
  return windows
}

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed + 1)

/** Kinds of series to compare on; the observed ones only if their folder is given. */
export function kinds(count: number, folder?: string): Record<string, Case[]> {
  const files = ['pedestrians_covid', 'wp_log_R_outliers1', 'wp_log_peyton_manning']
  return {
    'seeded daily, 56 ahead': seeds(count).map(daily),
    'seeded weekly, 13 ahead': seeds(count).map(weekly),
    'seeded hourly, 48 ahead': seeds(count).map(hourly),
    'seeded traffic, 48 ahead': seeds(count).map(traffic),
    ...(folder === undefined
      ? {}
      : { 'observed daily, 56 ahead': files.flatMap((file) => observed(folder, `example_${file}.csv`)) }),
  }
}
