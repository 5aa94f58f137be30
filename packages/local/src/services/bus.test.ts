import { expect, test } from 'vitest'
import { createBus } from './bus.ts'
import { memoryLog } from './testing/services.ts'

const event = {
  id: 'e1',
  name: 'cost.landed',
  orgId: 'org',
  at: '2026-11-23T00:00:00.000Z',
  data: { importId: 'imp_1', lakeVersion: 1, partitions: [] },
} as const

test('every subscriber gets an event even if another one fails, and the publisher gets the failure', async () => {
  const log = memoryLog()
  const bus = createBus(log)
  const heard: unknown[] = []
  bus.subscribe('cost.landed', () => Promise.reject(new Error('down')))
  bus.subscribe('cost.landed', async (each) => void heard.push(each))
  await expect(bus.publish({ ...event, data: { ...event.data, partitions: [] } })).rejects.toThrow('1 of 2 subscribers')
  expect(heard).toStrictEqual([event])
  expect(log.lines).toMatchObject([{ level: 'error', fields: { eventId: 'e1' } }])
})

test('an event without subscribers is not an error', async () => {
  await expect(
    createBus(memoryLog()).publish({ ...event, data: { ...event.data, partitions: [] } }),
  ).resolves.toBeUndefined()
})
