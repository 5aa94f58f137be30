import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect } from 'vitest'
import { purge, removePurged } from '../accounts/purge.ts'
import * as Import from '../bills/import.ts'
import * as Raw from '../bills/raw.ts'
import type { Context } from '../effects/context.ts'
import type { Normalized } from '../effects/lake.ts'
import * as Snapshot from '../lake/snapshot.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { memoryRuntime, testContext } from './runtime.ts'

/** A test bill: a line for each partition, `account period amount`. */
type Bill = string[]

async function normalize(
  files: { path: string; name: string }[],
  { workDir }: { workDir: string },
): Promise<Normalized> {
  const lines = (await Promise.all(files.map(async ({ path }) => textOf(await readFile(path)).split('\n')))).flat()
  const partitions = lines.map(async (line, i) => {
    const [billingAccountId = '', period = '', billed = ''] = line.split(' ')
    const [costs, rollup] = [join(workDir, `costs-${i}`), join(workDir, `rollup-${i}`)]
    for (const path of [costs, rollup]) await writeFile(path, line)
    const totals = [{ currency: 'USD', billed, effective: billed, list: null, contracted: null }]
    const days = { first: `${period}-01`, last: `${period}-28` }
    return {
      provider: 'AWS',
      billingAccountId,
      period,
      rows: 1,
      days,
      totals,
      control: [],
      formats: ['test'],
      files: { costs: [costs], cost_rollup: [rollup] },
    }
  })
  return {
    files: files.map(({ name }) => ({ name, format: 'test', rows: lines.length, periods: [] })),
    partitions: await Promise.all(partitions),
  }
}

/** The product compresses what it stores itself. */
function textOf(bytes: Buffer): string {
  return String(bytes.readUInt32LE() === 0xfd2fb528 ? zstdDecompressSync(bytes) : bytes)
}

/** An empty lake of such bills, whose clock moves a second with each reading. */
export function lake() {
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const runtime = memoryRuntime(() => ({ normalize }))
  const ctx = testContext(runtime, { now: () => new Date((ms += 1000)) })
  return { ctx, runtime, now: () => new Date(ms) }
}

/** Creates and starts the import of a bill. */
export async function begin(ctx: Context, bill: Bill): Promise<string> {
  const text = Buffer.from(bill.join('\n'))
  const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: text.byteLength }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), text)
  await Import.start(ctx, id)
  return id
}

/** Imports bills, one after the other. */
export async function deliver(ctx: Context, ...bills: Bill[]): Promise<void> {
  for (const bill of bills)
    expect(await Normalize.run(ctx, { importId: await begin(ctx, bill) })).toEqual({ outcome: 'committed' })
}

/** The lines of the visible bills. The files of each bill must have the line. */
export async function visible(ctx: Context, asOf?: Date): Promise<string[]> {
  const { snapshots } = await Snapshot.view(ctx, asOf ? { asOf } : {})
  return await Promise.all(
    snapshots.map(async ({ billingAccountId, period, totals, files }) => {
      const line = `${billingAccountId} ${period} ${totals[0]?.billed}`
      for (const key of Object.values(files).flat())
        expect(Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, key)).toString()).toBe(line)
      return line
    }),
  )
}

/** All blobs, versions and imports as text. */
export async function kept({ runtime, orgId }: Context): Promise<string> {
  const blobs = await runtime.blobs.list(orgId, '')
  const bodies = await Promise.all(
    blobs.map(async ({ key }) => `${key} ${Buffer.from(await runtime.blobs.get(orgId, key)).toString()}`),
  )
  const { snapshots, partitions, imports } = runtime.tables
  return JSON.stringify([bodies, await snapshots.all(orgId), await partitions.all(orgId), await imports.all(orgId)])
}

/** The account A, and its connection. */
export const ofA = { cloud: 'aws', accountId: 'A', cloudAccountId: 'acc_1' } as const

/** The number of hidden partitions that are not removed yet. */
export async function waiting({ runtime, orgId }: Context): Promise<number> {
  const history = await runtime.tables.snapshots.all(orgId)
  return history.filter(({ isPurged, emptiedAt }) => isPurged && emptiedAt === undefined).length
}

/** Purges the account A and removes its files. */
export async function purgeA(ctx: Context): Promise<void> {
  await purge(ctx, ofA)
  await removePurged(ctx)
}

/** Bills of the accounts A and B. */
export const [a1, a2, a8, b1, b8] = [
  'A 2024-09 1111.1',
  'A 2024-09 2222.2',
  'A 2024-08 3333.3',
  'B 2024-09 7777.123456789',
  'B 2024-08 8888.000000001',
] as const
