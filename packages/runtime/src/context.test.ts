import { Actor, type Log } from '@cloudoptima/core'
import { expect, test, vi } from 'vitest'
import { createRuntime, noLake } from './aws.ts'
import { makeContext } from './context.ts'

const runtime = createRuntime({ region: 'us-east-1', tableName: 'table', bucketName: 'bucket', lake: noLake })
const given = {
  orgId: 'org',
  actor: Actor.anonymous({ address: '192.0.2.1' }),
  runtime,
  now: () => new Date('2026-11-23T08:00:00Z'),
}

test('ids are made of the context’s clock, unless the caller knows better', () => {
  const [first, second] = [makeContext(given).newId('usr'), makeContext(given).newId('usr')]
  expect(first).toMatch(/^usr_[0-9a-z]{26}$/)
  expect(first.slice(0, 14)).toBe(second.slice(0, 14))
  expect(first).not.toBe(second)
  expect(makeContext({ ...given, newId: (prefix) => `${prefix}_again` }).newId('usr')).toBe('usr_again')
})

test('the log names the actor by id, and nothing else of them', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  makeContext({ ...given, requestId: 'r1' }).log.info('denied', { permission: 'read:costs', email: 'a@example.com' })
  const [line] = write.mock.calls[0] ?? []
  expect(JSON.parse(String(line))).toMatchObject({
    orgId: 'org',
    actor: 'anonymous',
    requestId: 'r1',
    permission: 'read:costs',
    omitted: ['email'],
  })
  expect(String(line)).not.toContain('example.com')
})

test('a log that is handed over is used as it is, and a currency is there only where there is one', () => {
  const log: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  expect(makeContext({ ...given, log }).log).toBe(log)
  expect('currency' in makeContext(given)).toBe(false)
  expect(makeContext({ ...given, currency: 'EUR' }).currency).toBe('EUR')
})
