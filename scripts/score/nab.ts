import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Detect } from '@cloudoptima/core'

export interface NabSeries extends Detect.Series {
  name: string
  /** First and last index of each labelled window. */
  windows: readonly (readonly [number, number])[]
}

/** Weight of a false alarm beside 1 for a window found and -1 for a window missed. */
const falseAlarm = 0.11
const sigmoid = (position: number) => 2 / (1 + Math.exp(5 * position)) - 1
const timeOf = (text = '') => Date.parse(`${text.trim().slice(0, 19).replace(' ', 'T')}Z`)

/** The series of a folder with `windows.json` and the files that it names. */
export function readNab(folder: string): NabSeries[] {
  const labels = JSON.parse(readFileSync(join(folder, 'windows.json'), 'utf8')) as Record<string, [string, string][]>
  return Object.entries(labels).map(([name, spans]) => {
    const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n').slice(1)
    const rows = lines.map((line) => line.split(','))
    const times = rows.map(([time]) => timeOf(time))
    const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    const indexOf = (edge: string) => times.findIndex((time) => time >= timeOf(edge))
    return {
      name,
      start: new Date(times[0] ?? 0).toISOString(),
      stepSeconds: (steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0) / 1000,
      values: rows.map(([, value]) => Number(value)),
      windows: spans.map(([from, to]) => [indexOf(from), indexOf(to)] as const),
    }
  })
}

/**
 * The standard profile of the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015, and `nab/sweeper.py`): 0 is a detector
 * without alarms, 100 a perfect one; the first 15 % of each series are not judged.
 */
export function nabScore(list: readonly NabSeries[], alarmsOf: (series: NabSeries) => readonly boolean[]): number {
  let [points, windows] = [0, 0]
  for (const series of list) {
    points += pointsOf(series, alarmsOf(series))
    windows += series.windows.length
  }
  return (100 * (points + windows)) / (2 * windows)
}

function pointsOf({ values, windows }: NabSeries, alarms: readonly boolean[]): number {
  const found = new Set<number>()
  let points = 0
  for (let i = Math.min(Math.floor(0.15 * values.length), 750); i < values.length; i++) {
    if (!alarms[i]) continue
    const inside = windows.findIndex(([from, to]) => i >= from && i <= to)
    const [from, to] = windows[inside] ?? windows.findLast(([, to]) => to < i) ?? [0, 0]
    if (inside < 0) {
      const position = to > 0 ? (i - to) / Math.max(1, to - from) : Infinity
      points += falseAlarm * (position > 3 ? -1 : sigmoid(position))
    } else if (!found.has(inside)) points += sigmoid((i - to - 1) / (to - from + 1)) / sigmoid(-1)
    found.add(inside)
  }
  return points - windows.filter((_, i) => !found.has(i)).length
}
