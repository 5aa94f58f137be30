import { expect, test } from 'vitest'
import * as z from 'zod'
import { events } from '../kernel/event.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { consumer, rowOf, rowsOf, step, subscription, type Wiring } from './row.ts'
import { wiring } from './wiring.ts'

const ctx = testContext(memoryRuntime())

test('a step, a subscriber and a consumer never see input of another shape', async () => {
  const seen: unknown[] = []
  const see = async (_: unknown, input: unknown) => void seen.push(input)
  const rows = [step(z.object({ importId: z.string() }), see), consumer(z.object({ importId: z.string() }), see)]
  for (const row of rows) await expect(row.run(ctx, { importId: 1 })).rejects.toMatchObject({ code: 'invalid' })
  const landed = subscription(events, 'cost.landed', see)
  const event = { id: 'e1', name: 'cost.landed' as const, orgId: 'org', at: '2026-11-23T00:00:00.000Z' }
  await expect(landed.run(ctx, { ...event, data: { importId: 1 } as never })).rejects.toMatchObject({ code: 'invalid' })
  expect(seen).toEqual([])
  for (const row of rows) await row.run(ctx, { importId: 'imp_1', orgId: 'org' })
  const data = { importId: 'imp_1', lakeVersion: 1 }
  await landed.run(ctx, { ...event, data })
  expect(seen).toEqual([{ importId: 'imp_1' }, { importId: 'imp_1' }, { ...event, data }])
})

test('each row has a name and an id of its own, and is found by its name', () => {
  const rows = rowsOf(wiring)
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  expect(rowOf(wiring, 'workflows/bills/Normalize')).toMatchObject({ kind: 'step', id: 'BillsNormalize', lake: true })
  expect(() => rowOf(wiring, 'schedules/none')).toThrow('schedules/none')
})

test('each task of a workflow has a step of its name, each subscription an event, each queue time for its consumer', () => {
  const { workflows, subscriptions, queues }: Wiring = wiring
  for (const { definition, steps } of Object.values(workflows)) {
    const placeholders = [...JSON.stringify(definition).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)
    expect([...new Set(placeholders)].toSorted()).toEqual(Object.keys(steps).toSorted())
  }
  for (const { event } of Object.values(subscriptions)) expect(Object.keys(events)).toContain(event)
  for (const [name, { consumer: row, visibilitySeconds }] of Object.entries(queues))
    expect([name, visibilitySeconds >= (row?.timeoutSeconds ?? 60)]).toEqual([name, true])
})
