import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../kernel/context.ts'
import * as Import from '../bills/import.ts'
import type { Lake, NormalizedPartition, NormalizeOptions } from '../kernel/lake.ts'
import { parse, plain, sum } from '../kernel/money.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import * as Raw from '../bills/raw.ts'
import type { Blobs } from '../kernel/runtime.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { memoryRuntime, testContext } from './runtime.ts'

/** A bill of tests, of one account of Microsoft: a charge in each line, `period subscription amount`. */
export type Bill = string[]

const totalOf = (lines: Bill): string => plain(sum(lines.map((line) => parse(line.split(' ')[2] ?? ''))))

async function partitionOf(
  period: string,
  lines: Bill,
  { workDir, withhold }: NormalizeOptions,
): Promise<NormalizedPartition> {
  const ofAccount = (accountId: string): Bill =>
    lines.filter((line) => isSameAccount(line.split(' ')[1] ?? '', accountId))
  const out = withhold.flatMap(({ accountId }) =>
    ofAccount(accountId).length > 0 ? [{ accountId, lines: ofAccount(accountId) }] : [],
  )
  const kept = lines.filter((line) => out.every((account) => !account.lines.includes(line)))
  const path = join(workDir, period)
  await writeFile(path, kept.join('\n'))
  const [billed, total] = [totalOf(kept), totalOf(lines)]
  return {
    provider: 'Microsoft',
    billingAccountId: 'EA',
    period,
    rows: kept.length,
    days: { first: `${period}-01`, last: `${period}-28` },
    totals: [{ currency: 'USD', billed, effective: billed, list: null, contracted: null }],
    control: [{ currency: 'USD', metric: 'billed', total, rows: lines.length }],
    formats: ['test'],
    ...(out.length > 0 && {
      withheld: out.map((account) => {
        const amount = totalOf(account.lines)
        return {
          accountId: account.accountId,
          currency: 'USD',
          rows: account.lines.length,
          billed: amount,
          effective: amount,
        }
      }),
    }),
    costs: [path],
    rollup: [path],
  }
}

function stubLake(orgId: string) {
  return (blobs: Blobs): Partial<Lake> => ({
    async normalize(files, options) {
      const lines = (
        await Promise.all(files.map(async ({ path }) => (await readFile(path, 'utf8')).split('\n')))
      ).flat()
      const periods = Map.groupBy(lines, (line) => line.split(' ')[0] ?? '')
      const partitions = await Promise.all(
        [...periods].map(async ([period, charges]) => await partitionOf(period, charges, options)),
      )
      return {
        files: files.map(({ name }) => ({ name, format: 'test', rows: lines.length, periods: [...periods.keys()] })),
        partitions,
      }
    },
    query: async (_, { rollup }, parameters) => {
      const accountId = 'accountId' in parameters ? parameters.accountId : ''
      const texts = await Promise.all(rollup.map(async (key) => Buffer.from(await blobs.get(orgId, key)).toString()))
      const rows = texts
        .flatMap((text) => text.split('\n'))
        .filter((line) => isSameAccount(line.split(' ')[1] ?? '', accountId)).length
      return rows > 0 ? [{ rows }] : []
    },
  })
}

export function lake() {
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const runtime = memoryRuntime(stubLake('org_test'))
  const ctx = testContext(runtime, { now: () => new Date((ms += 1000)) })
  return { ctx, now: () => new Date(ms) }
}

export async function announce(ctx: Context, bill: Bill): Promise<string> {
  const text = Buffer.from(bill.join('\n'))
  const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: text.byteLength }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), text)
  await Import.start(ctx, id)
  return id
}

export async function deliver(ctx: Context, bill: Bill): Promise<string> {
  return (await Normalize.run(ctx, { importId: await announce(ctx, bill) })).outcome
}

export async function run(ctx: Context, ids: readonly string[]): Promise<string[]> {
  const outcomes: string[] = []
  for (const importId of ids) outcomes.push((await Normalize.run(ctx, { importId })).outcome)
  return outcomes
}

/** What the workflow has still to carry out. */
export async function open(ctx: Context): Promise<string[]> {
  return (await Import.list(ctx)).filter(({ status }) => status === 'running').map(({ id }) => id)
}

/** What is visible: the charges of each bill as its file has them, and what the bill says is not among them. */
export async function visible(ctx: Context, asOf?: Date): Promise<string[]> {
  const { snapshots } = await Snapshot.view(ctx, asOf ? { asOf } : {})
  const bills = await Promise.all(
    snapshots.map(async ({ costs, rollup, totals, control, withheld = [] }) => {
      expect(plain(sum([...totals, ...withheld].map(({ billed }) => parse(billed))))).toBe(control[0]?.total)
      for (const key of rollup) await ctx.runtime.blobs.get(ctx.orgId, key)
      const texts = await Promise.all(
        costs.map(async (key) => Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, key)).toString()),
      )
      return texts.flatMap((text) => (text === '' ? [] : text.split('\n')))
    }),
  )
  return bills.flat()
}

/** What the lake keeps of a text, anywhere but in raw bills. */
export async function kept({ runtime, orgId }: Context, text: string): Promise<string[]> {
  const blobs = (await runtime.blobs.list(orgId, 'lake/')).map(
    async ({ key }) => [key, Buffer.from(await runtime.blobs.get(orgId, key)).toString()] as const,
  )
  return (await Promise.all(blobs)).filter(([, body]) => body.includes(text)).map(([key]) => key)
}
