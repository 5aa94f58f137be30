import { Actor, type Log } from '@cloudoptima/core'
import { expect, test, vi } from 'vitest'
import { createRuntime, noLake } from './aws.ts'
import { makeContext } from './context.ts'

const runtime = createRuntime({ region: 'us-east-1', tableName: 'table', bucketName: 'bucket', lake: noLake })
const options = {
  orgId: 'org',
  actor: Actor.anonymous({ address: '192.0.2.1' }),
  runtime,
  now: () => new Date('2026-11-23T08:00:00Z'),
}

test('ids come from the clock of the context', () => {
  const [first, second] = [makeContext(options).newId('usr'), makeContext(options).newId('usr')]
  expect(first).toMatch(/^usr_[0-9a-z]{26}$/)
  expect(first.slice(0, 14)).toBe(second.slice(0, 14))
  expect(first).not.toBe(second)
})

test('the log has the id of the actor, and no other personal data', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  makeContext({ ...options, requestId: 'r1' }).log.info('denied', { permission: 'read:costs', email: 'a@example.com' })
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

test('a given log is used', () => {
  const log: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  expect(makeContext({ ...options, log }).log).toBe(log)
})
