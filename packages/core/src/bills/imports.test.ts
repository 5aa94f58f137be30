import { expect, test } from 'vitest'
import type { Actor } from '../kernel/actor.ts'
import { eachTable, wrapped } from '../testing/processes.ts'
import * as Import from './import.ts'
import { importRecord } from '../pipeline/bills/import-record.ts'
import * as Imports from './imports.ts'
import * as Raw from './raw.ts'
import * as Tally from './tally.ts'
import { refusal } from '../testing/identity.ts'
import { permissionsOf } from '../kernel/permission.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'

const files = [{ name: 'bill.csv', bytes: 1 }]

test('every way to create or read imports needs permission and writes an audit entry', async () => {
  const ctx = testContext(memoryRuntime())
  const { id } = await Imports.create(ctx, { files })
  const as = (actor: Partial<Actor>) => ({
    ...ctx,
    actor: { ...ctx.actor, kind: 'user' as const, id: 'usr_1', ...actor },
  })
  const viewer = as({ permissions: permissionsOf('viewer') })
  const devops = as({ permissions: permissionsOf('devops') })
  const calls = (who: typeof ctx) => [
    Imports.create(who, { files }),
    Imports.start(who, { id }),
    Imports.cancel(who, { id }),
    Imports.get(who, { id }),
    Imports.list(who, {}),
  ]
  const codes = async (who: typeof ctx) => (await Promise.all(calls(who).map(refusal))).map((fault) => fault?.code)
  expect(await codes(viewer)).toEqual(Array.from({ length: 5 }, () => 'forbidden'))
  expect(await codes(devops)).toEqual(['forbidden', 'forbidden', 'forbidden', undefined, undefined])
  expect(await codes(as({ kind: 'anonymous', permissions: new Set() }))).toEqual(
    Array.from({ length: 5 }, () => 'unauthenticated'),
  )
  expect(await codes({ ...ctx, orgId: 'org_other' })).toEqual([
    undefined,
    'not_found',
    'not_found',
    'not_found',
    undefined,
  ])
  const denied = (await ctx.runtime.tables.audit.all('org_test')).filter(({ result }) => result === 'denied')
  expect(denied.map(({ action }) => action).toSorted()).toEqual(
    ['create', 'start', 'cancel', 'get', 'list', 'create', 'start', 'cancel']
      .map((verb) => `imports.${verb}`)
      .toSorted(),
  )
})

const many = 100_000
const statuses = Import.Status.options

/** So many imports; and every read of the tables and of the counters, as how many items it may answer. */
async function delivered(count: number) {
  const runtime = memoryRuntime()
  const idOf = (n: number) => `imp_${String(n).padStart(6, '0')}`
  const statusOf = (n: number) => statuses[(n * 7) % statuses.length] ?? 'failed'
  for (let n = 1; n <= count; n++) {
    const createdAt = '2026-11-22T08:00:00.000Z'
    await runtime.tables.imports.insert('org_test', {
      id: idOf(n),
      status: statusOf(n),
      createdAt,
      replace: false,
      files: [],
    })
  }
  const reads: string[] = []
  const tables = eachTable(runtime.tables, (table, noun) =>
    wrapped(table, async (verb, call, input) => {
      reads.push(`${noun}.${verb} ${(input.at(-1) as { limit?: number }).limit ?? ''}`.trim())
      return await call()
    }),
  )
  const counters = wrapped(runtime.counters, async (verb, call) => (reads.push(`counter ${verb}`), await call()))
  const ctx = testContext({ ...runtime, tables, counters })
  await Tally.add(ctx, count)
  reads.length = 0
  return { ctx, reads, newest: (n: number) => idOf(count + 1 - n) }
}

test('the first page of 100,000 imports costs one query and one read of the tally; a deep page reads keys only on its way', async () => {
  const { ctx, reads, newest } = await delivered(many)
  const first = await Imports.list(ctx, {})
  expect(first.imports.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, n) => newest(n + 1)))
  expect(first.pagination).toEqual({ page: 1, pageSize: 20, total: many, totalPages: many / 20 })
  expect(reads.splice(0).toSorted()).toEqual(['counter get', 'imports.list 20'])
  const deep = await Imports.list(ctx, { page: 50, pageSize: 100 })
  expect(deep.imports.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, n) => newest(4901 + n)))
  const items = reads.filter((read) => !read.startsWith('imports.ids'))
  expect(items.toSorted()).toEqual(['counter get', 'imports.list 100'])
  expect(reads.length).toBeLessThan(20)
})

test('pages go through all imports, whatever their status, and end where they end', async () => {
  const { ctx, newest } = await delivered(25)
  const pages = await Promise.all([1, 2, 3, 4].map(async (page) => await Imports.list(ctx, { page, pageSize: 10 })))
  const ids = pages.map(({ imports }) => imports.map(({ id }) => id))
  const place = (length: number, after: number) => Array.from({ length }, (_, n) => newest(after + n + 1))
  expect(ids).toEqual([place(10, 0), place(10, 10), place(5, 20), []])
  expect(pages.map(({ pagination }) => pagination.total)).toEqual([25, 25, 25, 25])
})

test('the tally counts what comes and goes, and the sweep corrects it', async () => {
  const { ctx, reads } = await delivered(0)
  const total = async () => (await Imports.list(ctx, {})).pagination.total
  const { id } = await Imports.create(ctx, { files })
  await Import.create(ctx, { files }, id)
  expect(await total()).toBe(1)
  // A process ended before it counted, or between.
  await Tally.add(ctx, 41)
  expect(await total()).toBe(42)
  await Import.sweep(ctx)
  expect(await total()).toBe(1)
  reads.length = 0
  await Import.sweep({ ...ctx, now: () => new Date('2026-11-25T08:00:00Z') })
  expect(await total()).toBe(0)
  expect(reads.filter((read) => /imports\.(all|list)/.test(read))).toEqual(['imports.list 20'])
})

test('a list of deliveries of 1,000 files reads and returns their sums, and an import its files', async () => {
  const runtime = memoryRuntime()
  const files = Array.from({ length: 1000 }, (_, n) => ({ name: `2024-09/part-${n}.csv.gz`, bytes: n + 1 }))
  for (let n = 0; n < 200; n++) {
    const id = `imp_${String(n).padStart(3, '0')}`
    await Import.create(testContext(runtime, { orgId: 'org_test' }), { files: n % 2 ? files : files.slice(0, 5) }, id)
  }
  let bytes = 0
  const tables = eachTable(runtime.tables, (table) =>
    wrapped(table, async (_, call) => {
      const result = await call()
      bytes += JSON.stringify(result ?? null).length
      return result
    }),
  )
  const ctx = testContext({ ...runtime, tables })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await Imports.list(ctx, {})))
  expect(bytes).toBeLessThan(20 * 20_000)
  expect(JSON.stringify(answers[0]).length).toBeLessThan(10_000)
  expect(answers[19]?.imports.slice(0, 2)).toMatchObject([
    { id: 'imp_199', fileCount: 1000, bytes: 500_500, rows: 0 },
    { id: 'imp_198', fileCount: 5, bytes: 15, rows: 0 },
  ])
  expect((await Imports.get(ctx, { id: 'imp_199' })).files).toMatchObject(files)
})

test('many files are changed, kept after the end, and removed with an import that was never uploaded', async () => {
  const ctx = testContext(memoryRuntime())
  const files = Array.from({ length: 30 }, (_, n) => ({ name: `${n}.csv`, bytes: 1 }))
  const { id } = await Import.create(ctx, { files })
  await ctx.tables.imports.update(ctx.orgId, id, (info) => ({ ...info, status: 'running' }))
  const record = importRecord(ctx, await Import.get(ctx, id))
  await record.end({ status: 'committed', files: record.info.files.map((file, n) => ({ ...file, rows: n })) })
  expect((await Import.get(ctx, id)).files[29]).toMatchObject({ name: '29.csv', rows: 29 })
  expect((await Imports.list(ctx, {})).imports).toMatchObject([{ fileCount: 30, bytes: 30, rows: 435 }])
  expect(await ctx.tables.importFiles.get(ctx.orgId, id)).not.toHaveProperty('expiresAt')
  const waiting = await Import.create(ctx, { files })
  expect(await ctx.tables.importFiles.get(ctx.orgId, waiting.id)).toHaveProperty('expiresAt')
  await Import.sweep({ ...ctx, now: () => new Date('2026-11-25T08:00:00Z') })
  expect((await ctx.tables.importFiles.all(ctx.orgId)).map((kept) => kept.id)).toEqual([id])
})

test('many files are kept since the start, after a cancellation, and through a late repetition of the request', async () => {
  const ctx = testContext(memoryRuntime())
  const files = Array.from({ length: 30 }, (_, n) => ({ name: `${n}.csv`, bytes: 1 }))
  const kept = async (id: string) => await ctx.tables.importFiles.get(ctx.orgId, id)
  const gate = Promise.withResolvers<void>()
  const tables = eachTable(ctx.runtime.tables, (table, noun) =>
    wrapped(table, async (verb, call) => {
      if (noun === 'importFiles' && ['insert', 'put'].includes(verb)) await gate.promise
      return await call()
    }),
  )
  const late = Import.create(over(ctx, { ...ctx.runtime, tables }), { files }, 'imp_1')
  const { id } = await Import.create(ctx, { files }, 'imp_1')
  for (const n of files.keys()) await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, n, 0), Buffer.from('x'))
  expect((await Import.start(ctx, id)).status).toBe('running')
  expect(await kept(id)).not.toHaveProperty('expiresAt')
  gate.resolve()
  expect(await late).toMatchObject({ id, status: 'running' })
  expect(await kept(id)).not.toHaveProperty('expiresAt')

  const canceled = await Import.create(ctx, { files }, 'imp_2')
  await Import.cancel(ctx, canceled.id)
  await Import.removeCanceled(ctx, canceled.id)
  expect(await kept(canceled.id)).not.toHaveProperty('expiresAt')
  await ctx.tables.importFiles.remove(ctx.orgId, canceled.id)
  await expect(Import.get(ctx, canceled.id)).rejects.toMatchObject({ code: 'not_found' })
})
