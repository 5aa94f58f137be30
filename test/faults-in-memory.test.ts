import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type Context,
  Import,
  Normalize,
  Raw,
  Rebuild,
  Snapshot,
  type NormalizedPartition,
  type Runtime,
} from '@cloudoptima/core'
import { type MemoryRuntime, memoryRuntime, testContext, over } from '@cloudoptima/core/testing'
import { watchEffects } from './faults/effects.ts'

/** A lake in memory whose bills are JSON objects: period -> number of rows. */
async function openLake(): Promise<{ ctx: Context; runtime: MemoryRuntime }> {
  const runtime = memoryRuntime(() => ({
    normalize: async (files, { workDir }) => {
      const [file] = files
      const bill = JSON.parse(await readFile(file?.path ?? '', 'utf8')) as Record<string, number>
      const partitions = await Promise.all(
        Object.entries(bill).map(async ([period, rows]) => await partition(workDir, period, rows)),
      )
      return { files: [{ name: file?.name ?? '', format: 'json', rows: 0, periods: Object.keys(bill) }], partitions }
    },
  }))
  return { ctx: testContext(runtime), runtime }
}

async function partition(workDir: string, period: string, rows: number): Promise<NormalizedPartition> {
  const paths = { costs: join(workDir, `${period}-costs`), rollup: join(workDir, `${period}-rollup`) }
  for (const path of Object.values(paths)) await writeFile(path, `${period}: ${rows}`)
  const days = { first: `${period}-01`, last: `${period}-28` }
  return {
    provider: 'AWS',
    billingAccountId: '1',
    period,
    rows,
    days,
    totals: [],
    formats: ['focus-1.0'],
    control: [],
    files: { costs: [paths.costs], cost_rollup: [paths.rollup] },
  }
}

async function startImport(ctx: Context, bill: Record<string, number>): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(bill))
  const { id } = await Import.create(ctx, { files: [{ name: 'bill.json', bytes: bytes.length }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), bytes)
  await Import.start(ctx, id)
  return id
}

async function bring(ctx: Context, bill: Record<string, number>): Promise<Import.Info> {
  const id = await startImport(ctx, bill)
  await Normalize.run(ctx, { importId: id })
  return await Import.get(ctx, id)
}

/** A runtime that allows `effects` effects, then throws before or after each further one. */
function failingAfter(runtime: Runtime, effects: number, moment: 'before' | 'after'): Runtime {
  let n = 0
  return watchEffects(runtime, (current) => {
    if (current === 'before') n++
    if (n > effects && (current === moment || n > effects + 1)) throw new Error('cut off')
  })
}

/** Objects that belong to no snapshot and to no accepted delivery. */
async function orphans({ ctx, runtime }: { ctx: Context; runtime: MemoryRuntime }): Promise<string[]> {
  const history = await runtime.tables.snapshots.all(ctx.orgId)
  const referenced = new Set(history.flatMap(Snapshot.allFiles))
  const accepted = new Set(
    (await Array.fromAsync(Import.records(ctx))).filter(({ status }) => status === 'committed').map(({ id }) => id),
  )
  const keys = (await runtime.blobs.list(ctx.orgId, '')).map(({ key }) => key)
  return keys.filter((key) => !referenced.has(key) && !accepted.has(key.split('/')[1] ?? ''))
}

const periods = async (ctx: Context) =>
  Object.fromEntries(
    (await Snapshot.view(ctx)).snapshots.map(({ period, version, rows }) => [period, { version, rows }]),
  )

describe('a step that fails at any effect and is repeated', () => {
  const before = { '2024-08': 10, '2024-09': 10 }
  const deliveries = [
    {
      outcome: 'committed',
      bill: { '2024-09': 11, '2024-10': 5 },
      after: { '2024-08': [1, 10], '2024-09': [2, 11], '2024-10': [1, 5] },
    },
    { outcome: 'refused', bill: { '2024-09': 4, '2024-10': 5 }, after: { '2024-08': [1, 10], '2024-09': [1, 10] } },
    { outcome: 'unchanged', bill: before, after: { '2024-08': [1, 10], '2024-09': [1, 10] } },
  ]
  it.each(deliveries)('ends as $outcome and leaves no orphans', async ({ outcome, bill, after }) => {
    let cuts = 0
    for (const moment of ['before', 'after'] as const) {
      for (let effects = 0, ended = false; !ended; effects++) {
        const { ctx, runtime } = await openLake()
        await bring(ctx, before)
        const id = await startImport(ctx, bill)
        const cut = over(ctx, failingAfter(runtime, effects, moment))
        ended = await Normalize.run(cut, { importId: id }).then(
          () => true,
          () => false,
        )
        if (!ended) cuts++
        expect(await Normalize.run(ctx, { importId: id })).toEqual({ outcome })
        expect(await periods(ctx)).toEqual(
          Object.fromEntries(Object.entries(after).map(([period, [version, rows]]) => [period, { version, rows }])),
        )
        expect({ effects, moment, orphans: await orphans({ ctx, runtime }) }).toEqual({ effects, moment, orphans: [] })
      }
    }
    expect(cuts).toBeGreaterThan(5)
  })
})

describe('a rebuild', () => {
  it('leaves no files of partitions that later deliveries replaced', async () => {
    const { ctx, runtime } = await openLake()
    const first = await bring(ctx, { '2024-08': 10, '2024-09': 10 })
    await bring(ctx, { '2024-09': 11 })
    const again = (await Rebuild.all(ctx)).find(({ rebuildOf }) => rebuildOf === first.id)
    const importId = again?.id ?? ''
    await runtime.blobs.put(
      ctx.orgId,
      Raw.partKey(importId, 0, 0),
      Buffer.from(JSON.stringify({ '2024-08': 10, '2024-09': 10 })),
    )
    await Import.start(ctx, importId)
    await Normalize.run(ctx, { importId })
    expect(await periods(ctx)).toEqual({ '2024-08': { version: 2, rows: 10 }, '2024-09': { version: 2, rows: 11 } })
    expect(await orphans({ ctx, runtime })).toEqual([])
  })
})

describe('a delivery of more partitions than one commit records', () => {
  const months = (count: number, rows: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `${1900 + Math.floor(i / 12)}-${String(1 + (i % 12)).padStart(2, '0')}`,
        rows,
      ]),
    )

  it('is refused as a whole if its last partition is refused', async () => {
    const { ctx, runtime } = await openLake()
    const old = months(250, 10)
    await bring(ctx, old)
    const last = Object.keys(old).at(-1) ?? ''
    expect(await bring(ctx, { ...months(250, 11), [last]: 1 })).toMatchObject({ status: 'refused' })
    expect(await periods(ctx)).toEqual(
      Object.fromEntries(Object.keys(old).map((period) => [period, { version: 1, rows: 10 }])),
    )
    expect(await orphans({ ctx, runtime })).toEqual([])
  })
})

describe('the sweep', () => {
  const later = (ctx: Context): Context => ({ ...ctx, now: () => new Date(ctx.now().getTime() + 25 * 3_600_000) })

  it('deletes a delivery without its upload after a day', async () => {
    const { ctx, runtime } = await openLake()
    const { id } = await Import.create(ctx, { files: [{ name: 'bill.json', bytes: 9_000_000 }] })
    await runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), Buffer.from('half'))
    expect(await Import.sweep(ctx)).toBe(0)
    expect(await Import.sweep(later(ctx))).toBe(1)
    expect(await Array.fromAsync(Import.records(ctx))).toEqual([])
    expect(await runtime.blobs.list(ctx.orgId, '')).toEqual([])
  })

  it('starts the pipeline of a started import if the first attempt failed', async () => {
    const { ctx, runtime } = await openLake()
    const workflows = { ...runtime.workflows, start: () => Promise.reject(new Error('cut off')) }
    const cut = over(ctx, { ...runtime, workflows })
    await expect(startImport(cut, { '2024-09': 1 })).rejects.toThrow('cut off')
    expect(runtime.started).toEqual([])
    expect(await Import.sweep(later(ctx))).toBe(0)
    const [started] = runtime.started
    await Normalize.run(ctx, started?.input as { importId: string })
    expect(await periods(ctx)).toEqual({ '2024-09': { version: 1, rows: 1 } })
    await Import.sweep(later(ctx))
    expect(runtime.started).toHaveLength(1)
  })
})
