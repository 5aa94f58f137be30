import { randomUUID } from 'node:crypto'
import {
  Audit,
  aroundWrites,
  change,
  type Context,
  event,
  Idempotency,
  Relay,
  type Runtime,
  tableOf,
  tablesOf,
} from '@cloudoptima/core'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

type Store = Pick<Runtime, 'tables' | 'outbox'>

const began = Date.parse('2026-11-23T08:00:00Z')
const at = (minutes: number) => () => new Date(began + minutes * 60_000)

/** A change with two writes, each of which carries an event; the first one removes an item. */
const move = change('things.move', z.strictObject({}), 'public', async (ctx, _, note) => {
  note({ resourceType: 'thing', resourceId: 'new' })
  const things = tableOf(ctx.tables, 'things')
  const landed = (id: string) => event(ctx, 'cost.landed', { importId: id, lakeVersion: 1 }, `${ctx.orgId}/${id}`)
  await things.remove(ctx.orgId, 'old', [landed('first')])
  await things.put(ctx.orgId, { id: 'new' }, [landed('second')])
})

/** The events that a consumer handled, and a process over the store that ends before its effect number `effects`. */
function worldOver(store: Store, orgId: string) {
  const handled: string[] = []
  const process = (effects: number, now: () => Date): Context => {
    let left = effects
    const orKilled = <Value>(act: () => Promise<Value>): Promise<Value> => {
      if (left-- > 0) return act()
      left = 0
      throw new Error('killed')
    }
    const writing = aroundWrites(store.tables, async (_, events, run) => await orKilled(async () => await run(events)))
    const tables = tablesOf((noun) => {
      const table = tableOf(writing, noun)
      const acknowledge: typeof table.acknowledge = async (...input) =>
        await orKilled(async () => await table.acknowledge(...input))
      return Object.assign(Object.create(table) as typeof table, { acknowledge })
    })
    const base = { ...memoryRuntime(), ...store }
    const bus: Runtime['bus'] = {
      publish: async (event) =>
        await orKilled(async () => {
          if (event.orgId !== orgId) return
          const ctx = testContext(base, { orgId, now })
          await Idempotency.once(ctx, { key: event.id, request: event.data }, async () => void handled.push(event.id))
        }),
    }
    return testContext({ ...base, tables, bus }, { orgId, now })
  }
  return { handled, process }
}

/** The contract of events and traces that leave with a write, over any store. `store` answers it once the tests run. */
export function relayContract(name: string, store: () => Store): void {
  describe(`the relay ${name}`, () => {
    test('loses no event and no audit entry wherever a process ends, and nothing is handled twice', async () => {
      let interrupted = 0
      for (let effects = 0, isDone = false; !isDone; effects++) {
        const orgId = `org-${randomUUID()}`
        const { handled, process } = worldOver(store(), orgId)
        await tableOf(store().tables, 'things').put(orgId, { id: 'old' })
        isDone = await move(process(effects, at(0)), {}).then(
          () => true,
          () => false,
        )
        const ids = async () => (await tableOf(store().tables, 'things').all(orgId)).map(({ id }) => id)
        const written = await ids()
        // The relay itself ends in the middle as well.
        for (let effect = 0; effect < 6; effect++) await Relay.sweep(process(effect, at(10))).catch(() => undefined)
        await Relay.sweep(process(1000, at(11)))
        const events = { old: [], '': ['first'], new: ['first', 'second'] }[written.join()] ?? expect.fail()
        expect(handled.toSorted()).toEqual(events.map((id) => `${orgId}/${id}`))
        const result = isDone ? 'success' : (expect.stringMatching(/^unknown|failed$/) as string)
        const entry = { action: 'things.move', resourceId: 'new', result }
        expect(await store().tables.audit.all(orgId)).toMatchObject(events.length > 0 ? [entry] : [])
        expect(Audit.verify(await store().tables.audit.all(orgId)).intact).toBe(true)
        expect(await Array.fromAsync(store().outbox.pending('2030-01-01T00:00:00.000Z', orgId))).toEqual([])
        expect(await ids()).toEqual(written)
        if (!isDone) interrupted++
      }
      // Two writes, two events, their two marks and the audit entry are boundaries, and the end.
      expect(interrupted).toBeGreaterThan(5)
    }, 60_000)

    test('leaves the events of a write pending where the bus is away, and the write succeeds', async () => {
      const orgId = `org-${randomUUID()}`
      const { handled, process } = worldOver(store(), orgId)
      const ctx = process(1000, at(0))
      const publish = ctx.runtime.bus.publish
      ctx.runtime.bus.publish = async () => await Promise.reject(new Error('away'))
      await move(ctx, {})
      expect(handled).toEqual([])
      await Relay.sweep(process(1000, at(0.5)))
      expect(handled).toEqual([])
      ctx.runtime.bus.publish = publish
      await Relay.sweep(process(1000, at(2)))
      expect(handled.toSorted()).toEqual([`${orgId}/first`, `${orgId}/second`])
    })
  })
}
