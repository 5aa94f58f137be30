import { expect, test } from 'vitest'
import { createLog } from './log.ts'

function logged(use: (log: ReturnType<typeof createLog>) => void): unknown[] {
  const lines: string[] = []
  use(createLog({ orgId: 'org', requestId: 'r1' }, (line) => lines.push(line)))
  return lines.map((line) => JSON.parse(line) as unknown)
}

test('a line has the time, the message, the bound fields and the allowed fields', () => {
  const [line] = logged((log) => log.info('landed', { rows: 3, importId: 'imp_1', reason: undefined }))
  expect(line).toStrictEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    message: 'landed',
    orgId: 'org',
    requestId: 'r1',
    rows: 3,
    importId: 'imp_1',
  })
})

test('secrets are not logged, neither as a field nor inside an object', () => {
  const lines = logged((log) => {
    log.warn('refused', {
      password: 'canary',
      status: { token: 'canary' },
      files: [{ secretAccessKey: 'canary' }, 'a.csv'],
    })
  })
  expect(JSON.stringify(lines)).not.toContain('canary')
  expect(lines).toMatchObject([
    { level: 'warn', omitted: ['password'], status: '[object]', files: ['[object]', 'a.csv'] },
  ])
})

test('an error keeps its name and stack', () => {
  const [line] = logged((log) => log.error('failed', { error: new TypeError('boom') }))
  expect(line).toMatchObject({
    level: 'error',
    error: { name: 'TypeError', message: 'boom', stack: expect.stringContaining('log.test.ts') },
  })
})
