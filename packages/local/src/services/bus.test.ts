import { Actor, type Event } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import { afterEach, expect, test, vi } from 'vitest'
import { bills, dataFolder, memoryLog } from './testing/services.ts'
import type { Services } from './boot.ts'

const event: Event = {
  id: 'e1',
  name: 'cost.landed',
  orgId: 'org',
  at: '2026-11-23T00:00:00.000Z',
  data: { importId: 'imp_1', lakeVersion: 1 },
}
const folder = await dataFolder()
afterEach(folder.end)

function consume({ runtime, consume }: Services): void {
  consume(({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime }))
}

test('each subscription gets an event, also after a restart, and a subscriber that fails gets the event again', async () => {
  const heard: unknown[] = []
  let failures = 2
  const subscriptions = {
    first: {
      event: 'cost.landed',
      run: async (_: unknown, given: Event) => {
        if (failures-- > 0) throw new Error('down')
        heard.push(['first', given])
      },
    },
    second: { event: 'cost.landed', run: async (_: unknown, given: Event) => void heard.push(['second', given]) },
    other: { event: 'lake.purged', run: async () => void heard.push('other') },
  }
  const before = await folder.boot(bills(), memoryLog(), {}, subscriptions)
  await before.runtime.bus.publish(event)
  await before.close()
  const after = await folder.boot(bills(), memoryLog(), {}, subscriptions)
  consume(after)
  await vi.waitFor(() => expect(heard).toHaveLength(2), { timeout: 20_000, interval: 50 })
  expect(heard).toEqual(
    expect.arrayContaining([
      ['first', event],
      ['second', event],
    ]),
  )
  expect(heard[0]).toEqual(['second', event])
})

test('an event without a subscription is no fault', async () => {
  const { runtime } = await folder.boot()
  await expect(runtime.bus.publish(event)).resolves.toBeUndefined()
})
