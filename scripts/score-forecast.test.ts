import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const score = (input: string) =>
  spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'score-forecast.ts')],
    {
      input,
      encoding: 'utf8',
    },
  )
const question = {
  start: '2026-01-01T00:00:00Z',
  stepSeconds: 86_400,
  values: [...Array.from({ length: 40 }, (_, i) => (i % 7 < 5 ? 100 : 40)), null],
  horizon: 7,
  level: 0.95,
}

test('score:forecast answers each series in order, and takes a level in percent too', () => {
  const lines = [
    { ...question, id: 'b' },
    { ...question, id: 'a', level: 95 },
  ]
  const { stdout, status } = score(lines.map((line) => JSON.stringify(line)).join('\n'))
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { mean: number[]; lower: number[]; upper: number[] })
  expect(status).toBe(0)
  expect(first).toEqual({ ...second, id: 'b' })
  // The forecast begins at index 41, the seventh day of the cycle.
  const rounded = first?.mean.map((value) => Math.round(value / 10) * 10)
  expect(rounded).toEqual([40, 100, 100, 100, 100, 100, 40])
  expect(first?.lower).toHaveLength(7)
  expect(first?.upper).toHaveLength(7)
})

const good = (id: string) => JSON.stringify({ ...question, id })

test.each([
  ['no JSON', '{"id":', 'Line 2 is refused'],
  ['no level', JSON.stringify({ ...question, id: 'x', level: undefined }), 'Line 2 is refused: .*level'],
  ['a text as value', JSON.stringify({ ...question, id: 'x', values: ['1'] }), 'Line 2 is refused: .*values'],
  ['no time', JSON.stringify({ ...question, id: 'x', start: 'yesterday' }), 'Line 2 is refused: .*ISO 8601'],
])('score:forecast refuses a line with %s, with its number, and answers the others', (_, line, message) => {
  const { stdout, stderr, status } = score([good('a'), line, good('b')].join('\n'))
  expect(status).toBe(2)
  expect(stderr).toMatch(new RegExp(message))
  const ids = stdout
    .trim()
    .split('\n')
    .map((answer) => (JSON.parse(answer) as { id: string }).id)
  expect(ids).toEqual(['a', 'b'])
})

test('score:forecast reads a text with a mark of the byte order', () => {
  expect(score(`\uFEFF${good('a')}`).status).toBe(0)
})

test('score:forecast answers a horizon of 0 with empty lists', () => {
  const { stdout, status } = score(JSON.stringify({ ...question, id: 'a', horizon: 0 }))
  expect([status, JSON.parse(stdout)]).toEqual([0, { id: 'a', mean: [], lower: [], upper: [] }])
})
