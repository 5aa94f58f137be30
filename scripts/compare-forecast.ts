// Scores the forecaster beside statsforecast (AutoETS, AutoTheta) and Prophet from PyPI, on the same series in one run:
// `npm run compare:forecast [-- series per kind [folder of daily CSV files]]`.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { forecast } from '../packages/core/src/analytics/forecast/forecast.ts'
import { pythonTool } from './python.ts'
import { type Answer, naive2, owa, type Scores, scoresOf } from './score/accuracy.ts'
import { type Case, kinds } from './score/kinds.ts'

const [count = '12', folder] = process.argv.slice(2)
const level = 0.95

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

console.log('| series | method | MASE | OWA | coverage of 95 % | MSIS |\n|---|---|---|---|---|---|')
for (const [kind, cases] of Object.entries(kinds(Number(count), folder))) {
  const benchmark = cases.map((one) => scoresOf(one, { mean: naive2(one), lower: [], upper: [] }, level))
  const answers = Map.groupBy([...cases.map(ours), ...references(cases)], ({ method }) => method)
  for (const [method, ofMethod] of answers) {
    const scores = cases.map((one) => {
      const answer = ofMethod.find(({ id }) => id === one.id)
      if (!answer) throw new Error(`${method} has no answer for ${one.id}`)
      return scoresOf(one, answer, level)
    })
    const average = (of: (one: Scores) => number) => scores.reduce((sum, one) => sum + of(one), 0) / scores.length
    const errors = [average(({ mase }) => mase), owa(scores, benchmark), average(({ coverage }) => coverage)]
    const figures = [...errors.map((value) => value.toFixed(3)), average(({ msis }) => msis).toFixed(2)]
    console.log(`| ${kind} (${cases.length}) | ${method} | ${figures.join(' | ')} |`)
  }
}
