import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Audit from './audit.ts'
import * as Entries from './audit-entries.ts'
import { traceName } from '../kernel/event.ts'
import { tableOf } from '../effects/tables.ts'
import * as AuditLog from './audit-log.ts'
import { memoryRuntime, replacing, testContext } from '../testing/runtime.ts'

async function log() {
  const runtime = memoryRuntime()
  const rows = [
    ['users.change-role', 'usr_1', 'user', 'usr_9', 'success'],
    ['users.deactivate', 'usr_1', 'user', 'usr_8', 'success'],
    ['users.change-role', 'key_2', 'user', 'usr_9', 'denied'],
    ['budgets.create', 'usr_1', 'budget', 'bud_1', 'failed'],
  ] as const
  for (const [hour, [action, actorId, resourceType, resourceId, result]] of rows.entries()) {
    const actor = { kind: 'user' as const, id: actorId, permissions: new Set<never>() }
    const ctx = testContext(runtime, { actor, now: () => new Date(Date.UTC(2026, 10, 23, hour)) })
    await Audit.append(ctx, { action, result, resourceType, resourceId })
  }
  return testContext(runtime)
}

describe('the audit log', () => {
  test.each([
    [{}, [4, 3, 2, 1]],
    [{ action: 'users.change-role' }, [3, 1]],
    [{ action: 'users.*' }, [3, 2, 1]],
    [{ action: 'users' }, []],
    [{ actorId: 'key_2' }, [3]],
    [{ resourceType: 'budget' }, [4]],
    [{ resourceId: 'usr_9' }, [3, 1]],
    [{ result: 'success' }, [2, 1]],
    [{ from: '2026-11-23T01:00:00Z' }, [4, 3, 2]],
    [{ until: '2026-11-23T01:00:00Z' }, [1]],
    [{ from: '2026-11-23T02:00:00+01:00', until: '2026-11-23T03:00:00+01:00' }, [2]],
    [{ page: 2, pageSize: 3 }, [1]],
  ] as const)('answers %j with the entries %j, the newest first', async (input, sequences) => {
    const { entries } = await AuditLog.list(await log(), input)
    expect(entries.map(({ sequence }) => sequence)).toEqual(sequences)
  })

  test('is for those who may read it, of their own organization', async () => {
    const ctx = await log()
    const cfo = { kind: 'user' as const, id: 'usr_1', permissions: new Set<never>() }
    await expect(AuditLog.list({ ...ctx, actor: cfo }, {})).rejects.toMatchObject({ code: 'forbidden' })
    await expect(AuditLog.verification({ ...ctx, actor: cfo }, {})).rejects.toMatchObject({ code: 'forbidden' })
    expect((await AuditLog.list({ ...ctx, orgId: 'org_other' }, {})).entries).toEqual([])
  })

  test('says where it was tampered with', async () => {
    const ctx = await log()
    expect(await AuditLog.verification(ctx, {})).toMatchObject({ intact: true, entries: 4, firstBroken: null })
    const { audit } = ctx.runtime.tables
    const second = (await audit.all(ctx.orgId))[1]
    if (second) await audit.put(ctx.orgId, { ...second, actorId: 'usr_2' })
    expect(await AuditLog.verification(ctx, {})).toMatchObject({ intact: false, firstBroken: 2 })
  })
})

describe('a long log', () => {
  /** So many entries of two kinds, and every read of them: how many at most, or all. */
  async function long(length: number) {
    const runtime = memoryRuntime()
    const reads: (number | 'all')[] = []
    for (let n = 0; n < length; n++)
      await Audit.append(testContext(runtime), { action: `thing.change-${n % 2}`, result: 'success' })
    const { audit } = runtime.tables
    const counting: typeof audit = {
      ...audit,
      list: async (orgId, page = {}) => (reads.push(page.limit ?? 100), await audit.list(orgId, page)),
      all: async (orgId) => (reads.push('all'), await audit.all(orgId)),
    }
    return { ctx: testContext({ ...runtime, tables: replacing(runtime.tables, { audit: counting }) }), reads }
  }
  const numbers = (length: number) => Array.from({ length }, (_, n) => length - n)

  test('is read by the page and no further', async () => {
    const { ctx, reads } = await long(450)
    for (const [page, sequences] of [
      [1, numbers(450).slice(0, 20)],
      [20, numbers(450).slice(380, 400)],
      [23, numbers(10)],
      [24, []],
    ] as const) {
      reads.length = 0
      const { entries, pagination } = await AuditLog.list(ctx, { page })
      expect(entries.map(({ sequence }) => sequence)).toEqual(sequences)
      expect(pagination).toEqual({ page, pageSize: 20, total: 450, totalPages: 23 })
      expect(reads).toEqual(sequences.length === 0 ? [1] : [1, 20])
    }
  })

  test('is gone through a hundred at a time where something is looked for, and to be verified', async () => {
    const { ctx, reads } = await long(450)
    const { entries, pagination } = await AuditLog.list(ctx, { action: 'thing.change-1', page: 12 })
    expect(entries.map(({ sequence }) => sequence)).toEqual([10, 8, 6, 4, 2])
    expect(pagination).toEqual({ page: 12, pageSize: 20, total: 225, totalPages: 12 })
    expect(reads).toEqual([100, 100, 100, 100, 100])
    reads.length = 0
    expect(await AuditLog.verification(ctx, {})).toMatchObject({ intact: true, entries: 450 })
    expect(reads).toEqual([100, 100, 100, 100, 100])
  })

  test('is the same in pages as whole, with a filter and without', async () => {
    const { ctx } = await long(23)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        async (page, pageSize, isFiltered) => {
          const matching = numbers(23).filter((sequence) => !isFiltered || sequence % 2 === 0)
          const { entries, pagination } = await AuditLog.list(ctx, {
            page,
            pageSize,
            ...(isFiltered && { action: 'thing.change-1' }),
          })
          expect(entries.map(({ sequence }) => sequence)).toEqual(
            matching.slice((page - 1) * pageSize, page * pageSize),
          )
          expect(pagination.total).toBe(matching.length)
        },
      ),
    )
  })

  test('is not read whole for what a dead process left: its entry cannot be older than it', async () => {
    const { ctx, reads } = await long(450)
    const draft = {
      action: 'things.rename',
      result: 'unknown',
      actorKind: 'user',
      actorId: 'usr_1',
      requestId: 'req_1',
    } as const
    const trace = { id: 'int_1', name: traceName, orgId: ctx.orgId, at: '2026-11-24T08:00:00.000Z', data: draft }
    await tableOf(ctx.runtime.tables, 'things').insert(ctx.orgId, { id: 'thing_1' }, [trace])
    reads.length = 0
    await Audit.closeTraces({ ...ctx, now: () => new Date('2026-11-24T08:06:00Z') })
    expect(reads).toEqual([100])
    expect(await Entries.last(ctx)).toMatchObject({ sequence: 451, intentId: 'int_1' })
  })
})
