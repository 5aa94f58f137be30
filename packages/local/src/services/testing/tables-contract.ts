import { randomUUID } from 'node:crypto'
import { Fault, type Execution, type Outgoing, type Page, type Runtime } from '@cloudoptima/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { item } from './services.ts'

const org = () => `org-${randomUUID()}`
const conflict = { name: 'Fault', code: 'conflict' }

/** The contract of tables, over any store. `store` answers it once the tests run. */
export function tablesContract(name: string, store: () => Pick<Runtime, 'tables'>): void {
  describe(`tables ${name}`, () => {
    const table = () => store().tables.executions

    test('return the stored item without undefined fields', async () => {
      const orgId = org()
      const input = {
        text: 'Zürich ✓ 雪',
        empty: '',
        zero: 0,
        minus: -1.5,
        big: 9007199254740991,
        no: false,
        none: null,
        list: [],
        nested: { deep: [1, { a: 'b' }] },
      }
      await table().insert(orgId, item('a', { ...input, gone: undefined }))
      expect(await table().get(orgId, 'a')).toStrictEqual(item('a', input))
      expect(await table().get(orgId, 'b')).toBeUndefined()
    })

    test('take a number that DynamoDB cannot tell from 0', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', { tiny: 1e-308, list: [-5e-324, 1e-130] }))
      const near0 = expect.closeTo(0, 130)
      expect((await table().get(orgId, 'a'))?.input).toStrictEqual({ tiny: near0, list: [near0, 1e-130] })
    })

    test('insert only new items', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 1))
      await expect(table().insert(orgId, item('a', 2))).rejects.toMatchObject(conflict)
      expect((await table().get(orgId, 'a'))?.input).toBe(1)
    })

    test('put replaces the whole item, and remove deletes it', async () => {
      const orgId = org()
      await table().put(orgId, { ...item('a'), error: 'x' })
      await table().put(orgId, item('a', 2))
      expect(await table().get(orgId, 'a')).toStrictEqual(item('a', 2))
      await table().remove(orgId, 'a')
      await table().remove(orgId, 'a')
      expect(await table().get(orgId, 'a')).toBeUndefined()
    })

    test('remove only if every named field has the expected value, also beside pending events', async () => {
      const orgId = org()
      const ended: Outgoing = {
        id: 'e1',
        name: 'cost.landed',
        orgId,
        at: '2026-11-23T00:00:00.000Z',
        data: {},
      }
      for (const events of [[], [ended]]) {
        await table().put(orgId, item('a', 1), events)
        const expected = table().remove(orgId, 'a', [], { status: 'running', input: 2 } as never)
        await expect(expected).rejects.toMatchObject(conflict)
        expect((await table().get(orgId, 'a'))?.input).toBe(1)
        await table().remove(orgId, 'a', [], { status: 'running', input: 1 } as never)
        expect(await table().get(orgId, 'a')).toBeUndefined()
        const gone = table().remove(orgId, 'a', [], { status: 'running' })
        await expect(gone).rejects.toMatchObject(conflict)
      }
    })

    test('replace only if every named field has the expected value', async () => {
      const orgId = org()
      const at = item('a', 1)
      await expect(table().replace(orgId, at, { status: 'running' })).rejects.toMatchObject(conflict)
      await expect(table().replace(orgId, at, { error: undefined })).rejects.toMatchObject(conflict)
      await table().replace(orgId, at, undefined)
      await expect(table().replace(orgId, at, undefined)).rejects.toMatchObject(conflict)
      await expect(table().replace(orgId, at, { status: 'running', startedAt: 'other' })).rejects.toMatchObject(
        conflict,
      )
      await expect(table().replace(orgId, at, { input: 2 })).rejects.toMatchObject(conflict)
      await expect(table().replace(orgId, at, { input: { a: 1 } })).rejects.toThrow('input')
      await table().replace(orgId, { ...at, status: 'failed', error: 'e' }, {
        status: 'running',
        input: 1,
        error: undefined,
      } as never)
      await expect(table().replace(orgId, at, { error: undefined })).rejects.toMatchObject(conflict)
      expect((await table().get(orgId, 'a'))?.status).toBe('failed')
    })

    test('list by id, by prefix, page by page, in both directions', async () => {
      const orgId = org()
      const ids = ['a', 'a/1', 'a/10', 'a/2', 'aB', 'b', 'é']
      await Promise.all(ids.toReversed().map(async (id) => await table().insert(orgId, item(id))))
      const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await pages(orgId, {})).toStrictEqual([sorted])
      expect(await pages(orgId, { limit: 3 })).toStrictEqual([sorted.slice(0, 3), sorted.slice(3, 6), sorted.slice(6)])
      expect(await pages(orgId, { limit: 7 })).toStrictEqual([sorted])
      expect(await pages(orgId, { limit: 4, descending: true })).toStrictEqual([
        sorted.toReversed().slice(0, 4),
        sorted.toReversed().slice(4),
      ])
      expect(await pages(orgId, { prefix: 'a/', limit: 2 })).toStrictEqual([['a/1', 'a/10'], ['a/2']])
      expect(await pages(orgId, { prefix: 'a/', limit: 2, descending: true })).toStrictEqual([['a/2', 'a/10'], ['a/1']])
      expect(await pages(orgId, { prefix: 'x' })).toStrictEqual([[]])
    })

    test('select a page of the matching items, and count all of them', async () => {
      const orgId = org()
      const ids = Array.from({ length: 25 }, (_, i) => `x${String(i).padStart(2, '0')}`)
      // Several responses of 1 MB.
      const large = 'y'.repeat(100_000)
      for (const [i, id] of ids.entries())
        await table().insert(orgId, { ...item(id, large, i % 2 ? 'failed' : 'running'), ...(i < 4 && { error: 'e' }) })
      await table().insert(orgId, item('z'))
      const selected = async (...given: Parameters<ReturnType<typeof table>['select']>) => {
        const { items, total } = await table().select(...given)
        return [items.map(({ id }) => id), total]
      }
      expect(await selected(orgId)).toStrictEqual([[...ids, 'z'], 26])
      expect(await selected(orgId, { skip: 3, limit: 2 })).toStrictEqual([['x03', 'x04'], 26])
      expect(await selected(orgId, { descending: true, prefix: 'x', limit: 1 })).toStrictEqual([['x24'], 25])
      expect(await selected(orgId, { where: { status: 'failed' }, skip: 10, limit: 5 })).toStrictEqual([
        ['x21', 'x23'],
        12,
      ])
      const where = { status: 'running', error: undefined } as const
      expect(await selected(orgId, { where, prefix: 'x', limit: 0 })).toStrictEqual([[], 11])
      expect(await selected(orgId, { skip: 30, limit: 5 })).toStrictEqual([[], 26])
      const bounds = { unless: { status: 'failed' }, atLeast: { id: 'x03' }, atMost: { id: 'x08' } } as const
      expect(await selected(orgId, bounds)).toStrictEqual([['x04', 'x06', 'x08'], 3])
      expect(await selected(orgId, { atLeast: { error: 'd' }, atMost: { error: 'e' } })).toStrictEqual([
        ids.slice(0, 4),
        4,
      ])
    })

    test('continue a listing after an id that does not exist', async () => {
      const orgId = org()
      for (const id of ['a', 'c', 'e']) await table().insert(orgId, item(id))
      const idsFrom = async (page: Page) => (await table().list(orgId, page)).items.map(({ id }) => id)
      expect(await idsFrom({ from: 'b' })).toStrictEqual(['c', 'e'])
      expect(await idsFrom({ from: 'b', descending: true })).toStrictEqual(['a'])
      expect(await idsFrom({ from: 'f', descending: true, limit: 2 })).toStrictEqual(['e', 'c'])
    })

    test('all returns more than the 1 MB of one response', async () => {
      const orgId = org()
      const ids = Array.from({ length: 30 }, (_, i) => `x${String(i).padStart(2, '0')}`)
      for (const id of ids) await table().insert(orgId, item(id, 'y'.repeat(100_000)))
      expect((await table().all(orgId)).map(({ id }) => id)).toStrictEqual(ids)
      expect((await table().all(orgId, 'x1')).map(({ id }) => id)).toStrictEqual(ids.slice(10, 20))
      expect((await table().list(orgId, { limit: 25 })).items).toHaveLength(25)
    })

    test('keep organizations and nouns apart', async () => {
      const [one, other] = [org(), org()]
      await table().insert(one, item('a', 1))
      await table().insert(other, item('a', 2))
      expect((await table().all(one)).map(({ input }) => input)).toStrictEqual([1])
      expect(await store().tables.imports.all(one)).toStrictEqual([])
    })

    test('behave like a map for any order of writes', async () => {
      const id = fc.constantFrom('a', 'b', 'a/b', '#', 'ü')
      const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
      const json = fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), scalar))
      const write = fc.record({
        operation: fc.constantFrom('insert', 'put', 'replace', 'remove'),
        id,
        input: json,
        expected: fc.constantFrom('running', 'failed', 'none'),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(write, { maxLength: 12 }), async (writes) => {
          const orgId = org()
          const model = new Map<string, Execution.Info>()
          for (const [n, each] of writes.entries()) await apply(orgId, model, each, n % 2 === 0 ? 'running' : 'failed')
          const sorted = [...model.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)))
          expect(await table().all(orgId)).toEqual(sorted)
        }),
        { numRuns: 40 },
      )
    })

    test('let exactly one of many writers replace the same state', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.boolean(), async (writers, exists) => {
          const orgId = org()
          if (exists) await table().insert(orgId, item('a', 'before', 'running'))
          const expected = exists ? { status: 'running' as const } : undefined
          const attempts = Array.from(
            { length: writers },
            async (_, writer) => await table().replace(orgId, item('a', writer, 'succeeded'), expected),
          )
          const outcomes = await Promise.allSettled(attempts)
          const winners = outcomes.flatMap(({ status }, writer) => (status === 'fulfilled' ? [writer] : []))
          expect(winners).toHaveLength(1)
          expect(
            outcomes.filter(
              (outcome) =>
                outcome.status === 'rejected' && outcome.reason instanceof Fault && outcome.reason.code === 'conflict',
            ),
          ).toHaveLength(writers - 1)
          expect((await table().get(orgId, 'a'))?.input).toBe(winners[0])
        }),
        { numRuns: 25 },
      )
    })

    test('lose no increment of writers that retry after a conflict', async () => {
      const orgId = org()
      await table().insert(orgId, item('a', 0))
      const increment = async (): Promise<void> => {
        const before = await table().get(orgId, 'a')
        if (!before) throw new Error('the item is gone')
        try {
          await table().replace(orgId, { ...before, input: Number(before.input) + 1 }, { input: before.input })
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          await increment()
        }
      }
      await Promise.all(Array.from({ length: 15 }, increment))
      expect((await table().get(orgId, 'a'))?.input).toBe(15)
    })

    async function pages(
      orgId: string,
      page: { prefix?: string; limit?: number; descending?: boolean },
    ): Promise<string[][]> {
      const found: string[][] = []
      let from: string | undefined
      do {
        const { items, next } = await table().list(orgId, { ...page, ...(from !== undefined && { from }) })
        found.push(items.map(({ id }) => id))
        from = next
      } while (from !== undefined)
      return found
    }

    interface Write {
      operation: 'insert' | 'put' | 'replace' | 'remove'
      id: string
      input: unknown
      expected: 'running' | 'failed' | 'none'
    }

    /** Applies the write to the table and to the model, and compares the results. */
    async function apply(
      orgId: string,
      model: Map<string, Execution.Info>,
      { operation, id, input, expected }: Write,
      status: Execution.Info['status'],
    ): Promise<void> {
      const next = item(id, input, status)
      const where = expected === 'none' ? undefined : { status: expected }
      const before = model.get(id)
      const allowed = {
        insert: !before,
        put: true,
        remove: true,
        replace: expected === 'none' ? !before : before?.status === expected,
      }[operation]
      const writes = {
        insert: async () => await table().insert(orgId, next),
        put: async () => await table().put(orgId, next),
        remove: async () => await table().remove(orgId, id),
        replace: async () => await table().replace(orgId, next, where),
      }
      if (!allowed) return await expect(writes[operation]()).rejects.toMatchObject(conflict)
      await writes[operation]()
      if (operation === 'remove') model.delete(id)
      else model.set(id, next)
    }
  })
}
