// Scores the detector beside other methods: `npm run compare:detect [-- folder of NAB]`. Daily series are generated from
// seeds; a folder of the Numenta Anomaly Benchmark holds `windows.json` and the files that it names.
import { Detect } from '@cloudoptima/core'
import { cashMachine, cells, countEvents, inject, steadyCost } from './score/injections.ts'
import { nabScore, readNab } from './score/nab.ts'
import { rollingZ, seasonalEsd, seasonalZ } from './score/references.ts'

const methods: Record<string, (series: Detect.Series) => number[]> = {
  CloudOptima: (series) => Detect.judge(series).map(({ score }) => score),
  'rolling z': rollingZ,
  'rolling z, deseasonalized': seasonalZ,
  'S-H-ESD': seasonalEsd,
}
const thresholds = [0.7, 0.85, 1, 1.2, 1.5, 2, 3, 5]
const seeds = Array.from({ length: 120 }, (_, seed) => seed + 1)
const daily = { start: '2024-01-01', stepSeconds: 86_400 }

const [folder] = process.argv.slice(2)
const nab = folder ? readNab(folder) : []
const injected = cells.map((cell) => seeds.map((seed) => inject(seed, cashMachine(seed), cell)))
const steady = seeds.map((seed) => steadyCost(seed, 0.03))

row(['', 'threshold', ...cells.map(({ kind, size }) => `${kind} ${size * 100} %`), 'mean F1', 'false alerts', 'NAB'])
row(Array.from({ length: cells.length + 5 }, () => '---'))
for (const [name, scoreOf] of Object.entries(methods)) {
  const scores = injected.map((list) =>
    list.map(({ values, windows }) => ({ windows, score: scoreOf({ ...daily, values }) })),
  )
  const quiet = steady.map((values) => scoreOf({ ...daily, values }))
  const onNab = new Map(nab.map((series) => [series, scoreOf(series)]))
  const results = thresholds.map((threshold) => {
    const f1 = scores.map((list) => f1Of(list, threshold))
    const alerts = quiet.map((score) => countEvents(isAlarm(score, threshold), []).wrong)
    return {
      threshold,
      f1,
      mean: f1.reduce((sum, value) => sum + value, 0) / f1.length,
      alerts: (30 * alerts.reduce((sum, count) => sum + count, 0)) / quiet.flat().length,
      nab: nab.length ? nabScore(nab, (series) => onePerDay(series, onNab.get(series) ?? [], threshold)) : undefined,
    }
  })
  const best = results.reduce((best, result) => (result.mean > best.mean ? result : best))
  const bestNab = nab.length ? Math.max(...results.map((result) => result.nab ?? -Infinity)) : undefined
  const chosen = results.filter(({ threshold }) => threshold === 1)
  for (const result of [...chosen, { ...best, threshold: `best (${best.threshold})`, nab: bestNab }])
    row([
      name,
      `${result.threshold}`,
      ...[...result.f1, result.mean].map((value) => value.toFixed(2)),
      result.alerts.toFixed(3),
      result.nab?.toFixed(1) ?? '-',
    ])
}

function row(fields: readonly string[]): void {
  process.stdout.write(`| ${fields.join(' | ')} |\n`)
}

function isAlarm(score: readonly number[], threshold: number): boolean[] {
  return score.map((value) => value >= threshold)
}

function f1Of(
  list: readonly { windows: readonly (readonly [number, number])[]; score: number[] }[],
  threshold: number,
) {
  const counts = list.map(({ windows, score }) => countEvents(isAlarm(score, threshold), windows))
  const sum = (field: 'found' | 'missed' | 'wrong') => counts.reduce((sum, count) => sum + count[field], 0)
  return (2 * sum('found')) / (2 * sum('found') + sum('missed') + sum('wrong'))
}

/** Merging helps every method, so all get it. */
function onePerDay({ stepSeconds }: Detect.Series, score: readonly number[], threshold: number): boolean[] {
  let last = -Infinity
  return isAlarm(score, threshold).map((isAlarm, i) => {
    if (!isAlarm || (i - last) * stepSeconds <= 86_400) return false
    last = i
    return true
  })
}
