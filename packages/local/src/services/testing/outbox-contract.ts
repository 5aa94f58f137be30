import { randomUUID } from 'node:crypto'
import type { Execution, Outgoing, Runtime, Table } from '@cloudoptima/core'
import { describe, expect, test, vi } from 'vitest'
import { item } from './services.ts'

const org = () => `org-${randomUUID()}`
const conflict = { name: 'Fault', code: 'conflict' }
const at = '2026-11-23T08:00:00.000Z'
const event = (orgId: string, id: string, at_ = at): Outgoing => ({
  id: `${orgId}/${id}`,
  name: 'thing.changed',
  orgId,
  at: at_,
  data: { id, list: [1, { a: null }] },
})
type Due = Execution.Info & { dueAt?: string }

/** The contract of `update`, of indexes and of pending events, over any store. */
export function outboxContract(name: string, store: () => Pick<Runtime, 'tables' | 'outbox'>): void {
  const table = () => store().tables.executions as Table<Due>
  // Indexes of DynamoDB are eventually consistent.
  const eventually = async (check: () => Promise<void>): Promise<void> => await vi.waitFor(check, { timeout: 10_000 })

  describe(`update ${name}`, () => {
    test('changes the item, or leaves it, and answers it as it is then', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 1))
      expect(await table().update(orgId, 'a', (each) => ({ ...each, input: 2 }))).toEqual({
        before: item('a', 1),
        after: item('a', 2),
      })
      expect((await table().update(orgId, 'a', () => undefined)).after.input).toBe(2)
      expect((await table().get(orgId, 'a'))?.input).toBe(2)
      await expect(table().update(orgId, 'b', (each) => each)).rejects.toMatchObject({ code: 'not_found' })
      expect(await table().get(orgId, 'b')).toBeUndefined()
    })

    test('may begin with no item', async () => {
      const orgId = org()
      const next = (each: Due | undefined) => item('a', Number(each?.input ?? 0) + 1)
      const both = await Promise.all([0, 1].map(async () => await table().upsert(orgId, 'a', next)))
      expect(both.map(({ before }) => before?.input).toSorted()).toEqual([1, undefined])
      expect(await table().upsert(orgId, 'b', () => undefined)).toEqual({})
      expect((await table().all(orgId)).map(({ input }) => input)).toEqual([2])
    })

    test('loses none of many changes at once', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 0))
      const changes = Array.from(
        { length: 20 },
        async () => await table().update(orgId, 'a', (each) => ({ ...each, input: Number(each.input) + 1 })),
      )
      const seen = await Promise.all(changes)
      expect(seen.map(({ after }) => Number(after.input)).toSorted((a, b) => a - b)).toEqual(seen.map((_, n) => n + 1))
    })

    test('gives up where every attempt is overtaken', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 0))
      let attempts = 0
      const overtaken = table().update(orgId, 'a', async (each) => {
        await table().put(orgId, item('a', ++attempts))
        return each
      })
      await expect(overtaken).rejects.toMatchObject({ code: 'unavailable' })
      expect((await table().get(orgId, 'a'))?.input).toBe(attempts)
      expect(attempts).toBeLessThan(30)
    }, 30_000)

    test('every write changes the revision', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 0))
      const first = (await table().read(orgId, 'a'))?.revision ?? 0
      await table().put(orgId, item('a', 0))
      await expect(table().rewrite(orgId, item('a', 1), first)).rejects.toMatchObject(conflict)
      await table().rewrite(orgId, item('a', 1), (await table().read(orgId, 'a'))?.revision ?? 0)
      await table().remove(orgId, 'a')
      await expect(table().rewrite(orgId, item('a', 2), first)).rejects.toMatchObject(conflict)
    })
  })

  describe(`indexes ${name}`, () => {
    test('by status: page by page, both ways, of one organization', async () => {
      const orgId = org()
      const ids = ['a', 'b', 'c', 'd', 'e']
      for (const id of ids) await table().insert(orgId, item(id, null, 'running'))
      await table().insert(orgId, item('x', null, 'failed'))
      await table().insert(org(), item('y', null, 'running'))
      await eventually(async () => expect(await table().count(orgId, 'running')).toBe(5))
      expect(await table().ids(orgId, 'running', { limit: 2 })).toEqual({ ids: ['a', 'b'], next: 'b' })
      expect(await table().ids(orgId, 'running', { limit: 2, from: 'd' })).toEqual({ ids: ['e'] })
      expect(await table().ids(orgId, 'running', { limit: 3, descending: true })).toEqual({
        ids: ['e', 'd', 'c'],
        next: 'c',
      })
      expect(await table().ids(orgId, 'running', { from: 'c', descending: true })).toEqual({ ids: ['b', 'a'] })
      const page = await table().byStatus(orgId, 'running', { limit: 2, from: 'b' })
      expect(page).toEqual({ items: ['c', 'd'].map((id) => item(id)), next: 'd' })
    })

    test('by status: an item moves with its status, and goes with the item', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', null, 'running'))
      await table().insert(orgId, item('b', null, 'running'))
      await table().update(orgId, 'a', (each) => ({ ...each, status: 'failed' }))
      await table().remove(orgId, 'b')
      await eventually(async () => expect(await table().count(orgId, 'running')).toBe(0))
      expect((await table().byStatus(orgId, 'failed')).items.map(({ id }) => id)).toEqual(['a'])
      await table().put(orgId, { ...item('a'), status: undefined } as never)
      await eventually(async () => expect(await table().count(orgId, 'failed')).toBe(0))
    })

    test('by due time: over all organizations, the earliest first', async () => {
      const [one, other] = [org(), org()]
      // No other test has due items: years apart, the order of these is certain.
      await table().insert(one, { ...item('late'), dueAt: '2001-01-03T00:00:00.000Z' })
      await table().insert(other, { ...item('early'), dueAt: '2001-01-01T00:00:00.000Z' })
      await table().insert(one, { ...item('never') })
      await table().insert(one, { ...item('done'), dueAt: '2001-01-01T00:00:00.000Z' })
      await table().put(one, item('done'))
      const due = async (until: string, limit?: number) =>
        (await table().due(until, limit))
          .filter(({ orgId }) => orgId === one || orgId === other)
          .map(({ orgId, item }) => [orgId, item.id])
      await eventually(async () =>
        expect(await due('2001-01-03T00:00:00.000Z')).toEqual([
          [other, 'early'],
          [one, 'late'],
        ]),
      )
      expect(await due('2001-01-02T00:00:00.000Z')).toEqual([[other, 'early']])
      for (const [orgId, id] of [
        [one, 'late'],
        [other, 'early'],
      ] as const)
        await table().remove(orgId, id)
      await eventually(async () => expect(await due('2002-01-01T00:00:00.000Z')).toEqual([]))
    })
  })

  describe(`pending events ${name}`, () => {
    const pending = async (orgId: string, before = at) => await Array.fromAsync(store().outbox.pending(before, orgId))
    const row = (orgId: string, id: string, ...events: Outgoing[]) => ({ noun: 'executions', orgId, id, events })

    test('leave with every kind of write, and are not a part of the item', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 1), [event(orgId, '1')])
      await table().put(orgId, item('a', 2), [event(orgId, '2', '2026-11-23T08:00:01.000Z')])
      await table().replace(orgId, item('a', 3), { input: 2 }, [event(orgId, '3', '2026-11-23T08:00:02.000Z')])
      await table().update(orgId, 'a', (each) => ({ ...each, input: 4 }), [
        event(orgId, '4', '2026-11-23T08:00:03.000Z'),
      ])
      expect(await table().all(orgId)).toStrictEqual([item('a', 4)])
      const events = ['1', '2', '3', '4'].map((id, second) => event(orgId, id, `2026-11-23T08:00:0${second}.000Z`))
      await eventually(async () => expect(await pending(orgId)).toStrictEqual([row(orgId, 'a', ...events)]))
      expect(await pending(orgId, '2026-11-23T07:59:59.999Z')).toEqual([])
      expect(await pending(org())).toEqual([])
      const everywhere = await Array.fromAsync(store().outbox.pending(at))
      expect(everywhere.filter((each) => each.orgId === orgId)).toHaveLength(1)
    })

    test('do not leave with a write that is refused', async () => {
      const orgId = org()
      await table().insert(orgId, item('a'))
      const events = [event(orgId, '1')]
      await expect(table().insert(orgId, item('a'), events)).rejects.toMatchObject(conflict)
      await expect(table().replace(orgId, item('a'), { status: 'failed' }, events)).rejects.toMatchObject(conflict)
      await table().update(orgId, 'a', () => undefined, events)
      expect(await pending(orgId)).toEqual([])
    })

    test('survive a later write, and are acknowledged one by one, each once', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 1), [event(orgId, '1'), event(orgId, '2')])
      await table().put(orgId, item('a', 2))
      const acknowledge = async (...ids: string[]) =>
        await table().acknowledge(
          orgId,
          'a',
          ids.map((id) => `${orgId}/${id}`),
        )
      for (const id of ['1', '1', 'never']) await acknowledge(id)
      await eventually(async () => expect(await pending(orgId)).toEqual([row(orgId, 'a', event(orgId, '2'))]))
      await acknowledge('2')
      await eventually(async () => expect(await pending(orgId)).toEqual([]))
      for (const id of ['2', '3']) await acknowledge(id)
      expect(await table().get(orgId, 'a')).toStrictEqual(item('a', 2))
      await table().acknowledge(orgId, 'b', [`${orgId}/1`])
      expect(await table().get(orgId, 'b')).toBeUndefined()
    })

    test('acknowledged by several at once leave nothing behind', async () => {
      const orgId = org()
      const events = Array.from({ length: 12 }, (_, n) => event(orgId, String(n)))
      await table().insert(orgId, item('a'), events)
      await Promise.all(events.map(async ({ id }) => await table().acknowledge(orgId, 'a', [id])))
      await eventually(async () => expect(await pending(orgId)).toEqual([]))
    })

    test('outlive the removal of their item, in a tombstone that no read sees and an insert replaces', async () => {
      const orgId = org()
      await table().insert(orgId, item('a'), [event(orgId, '1')])
      await table().remove(orgId, 'a', [event(orgId, '2')])
      await table().insert(orgId, item('b'), [event(orgId, '3')])
      await table().remove(orgId, 'b')
      expect(await table().get(orgId, 'a')).toBeUndefined()
      expect(await table().read(orgId, 'a')).toBeUndefined()
      expect(await table().list(orgId)).toEqual({ items: [] })
      expect(await table().all(orgId)).toEqual([])
      await eventually(async () => expect(await table().count(orgId, 'running')).toBe(0))
      await expect(table().replace(orgId, item('a'), {})).rejects.toMatchObject(conflict)
      const left = [row(orgId, 'a', event(orgId, '1'), event(orgId, '2')), row(orgId, 'b', event(orgId, '3'))]
      await eventually(async () =>
        expect((await pending(orgId)).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(left),
      )
      await table().insert(orgId, item('a', 'again'))
      await table().acknowledge(orgId, 'a', [`${orgId}/1`, `${orgId}/2`])
      await table().acknowledge(orgId, 'b', [`${orgId}/3`])
      await eventually(async () => expect(await pending(orgId)).toEqual([]))
      expect(await table().all(orgId)).toEqual([item('a', 'again')])
    })
  })
}
