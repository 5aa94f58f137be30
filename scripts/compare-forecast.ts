// Scores the forecaster beside statsforecast (AutoETS, AutoTheta) and Prophet from PyPI, on the same series in one run:
// `npm run compare:forecast [-- series per kind [folder of daily CSV files]]`.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { forecast } from '../packages/core/src/analytics/forecast/forecast.ts'
import { pythonTool } from './python.ts'
import { type Case, kinds } from './score/kinds.ts'

const [count = '12', folder] = process.argv.slice(2)
const level = 0.95

interface Answer {
  id: string
  method: string
  mean: number[]
  lower: number[]
  upper: number[]
}

const root = dirname(import.meta.dirname)
// Neither package has a command of its own; f2py comes with NumPy, which both need.
const requirements = join(root, 'scripts/score/requirements.txt')
const bin = pythonTool(root, 'f2py', 'forecasters-1', { requirements })

function ours({ id, actual, ...series }: Case): Answer {
  const { mean, intervals } = forecast(series, { horizon: actual.length, levels: [level] })
  return { id, method: 'CloudOptima', mean, lower: intervals[0]?.lower ?? [], upper: intervals[0]?.upper ?? [] }
}

function references(cases: Case[]): Answer[] {
  const input = cases
    .map(({ actual, ...series }) => JSON.stringify({ ...series, horizon: actual.length, level }))
    .join('\n')
  const options = { input, encoding: 'utf8', maxBuffer: 2 ** 28 } as const
  const { stdout, stderr, status } = spawnSync(join(bin, 'python'), [join(root, 'scripts/score/reference.py')], options)
  if (status !== 0) throw new Error(`The reference forecasts failed: ${stderr}`)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
}

/** MASE, coverage and mean scaled interval score (Gneiting and Raftery, 2007) of an answer. */
function score({ values, actual, period }: Case, { mean, lower, upper }: Answer): [number, number, number] {
  const steps = values
    .map((value, i) => Math.abs((value ?? Number.NaN) - (values[i - period] ?? Number.NaN)))
    .filter(Number.isFinite)
  const scale = steps.reduce((sum, step) => sum + step, 0) / steps.length
  const sums: [number, number, number] = [0, 0, 0]
  const known = actual.filter((value) => !Number.isNaN(value)).length
  for (const [h, value] of actual.entries()) {
    if (Number.isNaN(value)) continue
    const [low, high] = [lower[h] ?? 0, upper[h] ?? 0]
    const outside = Math.max(0, low - value, value - high)
    sums[0] += Math.abs(value - (mean[h] ?? 0)) / scale / known
    sums[1] += (outside === 0 ? 1 : 0) / known
    sums[2] += (high - low + (2 / (1 - level)) * outside) / scale / known
  }
  return sums
}

console.log('| series | method | MASE | coverage of 95 % | MSIS |\n|---|---|---|---|---|')
for (const [kind, cases] of Object.entries(kinds(Number(count), folder))) {
  const answers = Map.groupBy([...cases.map(ours), ...references(cases)], ({ method }) => method)
  for (const [method, ofMethod] of answers) {
    const scores = cases.map((one) => {
      const answer = ofMethod.find(({ id }) => id === one.id)
      if (!answer) throw new Error(`${method} has no answer for ${one.id}`)
      return score(one, answer)
    })
    const average = (index: 0 | 1 | 2) => scores.reduce((sum, values) => sum + values[index], 0) / scores.length
    console.log(
      `| ${kind} (${cases.length}) | ${method} | ${average(0).toFixed(3)} | ${average(1).toFixed(3)} | ${average(2).toFixed(2)} |`,
    )
  }
}
