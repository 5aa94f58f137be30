import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const script = join(import.meta.dirname, 'score-detect.ts')
const series = (id: string, length: number) => ({
  id,
  start: '2025-01-01',
  stepSeconds: 86_400,
  values: Array.from({ length }, (_, i) => (i === 40 ? 300 : i % 9 === 0 ? null : 100 + (i % 7))),
})
const lines = (...questions: unknown[]) => questions.map((question) => `${JSON.stringify(question)}\n`).join('')
const idsOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id)
const score = (input: string) => spawnSync(process.execPath, [script], { input, encoding: 'utf8' })

test('score:detect answers each line in order, with one score a value', () => {
  const { status, stdout } = score(lines(series('b', 60), series('a', 0), series('c', 41)))
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; score: number[] })
  expect(status).toBe(0)
  expect(answers.map(({ id, score }) => [id, score.length])).toEqual([
    ['b', 60],
    ['a', 0],
    ['c', 41],
  ])
  expect(answers[0]?.score.flatMap((value, i) => (value >= 1 ? [i] : []))).toEqual([40])
})

test('score:detect answers a line before the next one comes', async () => {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write(lines(series('a', 5)))
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  expect(JSON.parse(String(chunk))).toEqual({ id: 'a', score: [0, 0, 0, 0, 0] })
  child.stdin.end()
  expect((await once(child, 'close'))[0]).toBe(0)
})

test.each([
  ['{"id":', 'it is not JSON'],
  [JSON.stringify({ ...series('a', 2), values: ['1'] }), 'values.0'],
  [JSON.stringify({ ...series('a', 2), stepSeconds: 0 }), 'stepSeconds'],
  [JSON.stringify({ ...series('a', 2), start: 'soon' }), 'start'],
])('score:detect names the line that it refuses, and answers the others: %s', (line, problem) => {
  const { status, stdout, stderr } = score(`${lines(series('a', 2))}${line}\n${lines(series('b', 2))}`)
  expect(status).toBe(2)
  expect(idsOf(stdout)).toEqual(['a', 'b'])
  expect(stderr).toContain('Line 2 is refused')
  expect(stderr).toContain(problem)
})
