import { memoryRuntime } from '@cloudoptima/core/testing'
import { expect, test } from 'vitest'
import { timersContract } from './testing/timers-contract.ts'
import { createTimers, fireTimers } from './timers.ts'

function machine() {
  const runtime = memoryRuntime()
  let ms = Date.parse('2026-11-23T08:00:30Z')
  const timers = createTimers(runtime, () => new Date(ms))
  const pass = async (minutes = 1) => {
    ms += minutes * 60_000
    await fireTimers(runtime, new Date(ms))
  }
  const messages = async () => runtime.sent.map(({ data, options: { orgId = '' } }) => ({ orgId, data }))
  const ids = () => runtime.sent.map(({ options }) => options.deduplicationId)
  return { runtime, timers, pass, messages, ids }
}

timersContract('of one machine', machine)

test('times that passed while the machine was off come once, then as before', async () => {
  const { timers, pass, ids } = machine()
  await timers.put('org', { id: 'pol', timing: { everyMinutes: 5 } })
  await pass(60)
  await pass(1)
  await pass(5)
  expect(ids()).toEqual(['pol/2026-11-23T08:05:00.000Z', 'pol/2026-11-23T09:05:00.000Z'])
})

test('a timer whose message was sent before a kill sends the same message again, with the same id', async () => {
  const { runtime, timers, pass, ids } = machine()
  await timers.put('org', { id: 'pol', timing: { everyMinutes: 5 } })
  const { upsert } = runtime.tables.timers
  runtime.tables.timers.upsert = () => Promise.reject(new Error('killed'))
  await expect(pass(5)).rejects.toThrow('killed')
  runtime.tables.timers.upsert = upsert
  await pass(0)
  expect(ids()).toEqual(['pol/2026-11-23T08:05:00.000Z', 'pol/2026-11-23T08:05:00.000Z'])
})

test('a timer that is set again with the same times keeps the time that is due', async () => {
  const { timers, pass, messages } = machine()
  await timers.put('org', { id: 'pol', timing: { everyMinutes: 5 } })
  await pass(0)
  await timers.put('org', { id: 'pol', timing: { everyMinutes: 5 } })
  await pass(5)
  expect(await messages()).toHaveLength(1)
})
