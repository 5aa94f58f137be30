import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import { overview } from '../costs/overview.ts'
import { purge } from '../accounts/purge.ts'
import { processes } from '../testing/processes.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as Excluded from './excluded.ts'
import * as Snapshot from './snapshot.ts'

const account = (n: number) => ({ cloud: 'aws', accountId: String(n), cloudAccountId: 'acc_1' }) as const

async function commit(ctx: Context, period: string): Promise<void> {
  const partition = {
    provider: 'AWS',
    billingAccountId: '1',
    period,
    rows: 1,
    days: { first: `${period}-01`, last: `${period}-28` },
    totals: [],
    control: [],
    formats: ['test'],
    kind: 'bill' as const,
    files: { costs: ['costs'], cost_rollup: ['rollup'] },
  }
  await Snapshot.commit(ctx, {
    snapshotId: `imp_${period}`,
    raw: `imp_${period}`,
    digest: period,
    siblings: 1,
    partitions: [partition],
    replace: true,
  })
}

describe('an exclusion', () => {
  test('makes a new lake version, which changes the tag of every answer, also of the past', async () => {
    const ctx = testContext(memoryRuntime(() => ({ query: async () => [] })))
    await commit(ctx, '2024-09')
    for (const asked of [{}, { asOf: '2026-11-23T08:00:00Z' }]) {
      const tagOf = async () => (await overview.ask(ctx, asked)).tag
      const before = await tagOf()
      await purge(ctx, account(2))
      const without = await tagOf()
      await Excluded.lift(ctx, { ...account(2), cloudAccountId: 'acc_2' })
      expect(new Set([before, without, await tagOf()]).size).toBe(3)
    }
  })

  test('applies to views of the past, and to every file list made from a view', async () => {
    let ms = Date.parse('2026-11-23T08:00:00Z')
    const ctx = testContext(memoryRuntime(), { now: () => new Date((ms += 1000)) })
    await commit(ctx, '2024-09')
    const asOf = new Date(ms)
    await purge(ctx, account(2))
    for (const view of [await Snapshot.view(ctx), await Snapshot.view(ctx, { asOf })]) {
      expect(view.snapshots).toHaveLength(1)
      expect(Snapshot.filesOf(ctx.orgId, view)).toMatchObject({ files: { costs: ['costs'] }, excluded: [account(2)] })
    }
  })

  test('is lifted only by another connection of the account, and a second lift writes nothing', async () => {
    const ctx = testContext(memoryRuntime())
    for (const n of [1, 2]) await purge(ctx, account(n))
    const left = async () => (await Snapshot.head(ctx)).excluded.map(({ accountId }) => accountId)
    await Excluded.lift(ctx, account(1))
    await Excluded.lift(ctx, { ...account(1), cloud: 'gcp', cloudAccountId: 'acc_2' })
    expect(await left()).toEqual(['1', '2'])
    await Excluded.lift(ctx, { ...account(1), cloudAccountId: 'acc_2' })
    expect(await left()).toEqual(['2'])
    const { version } = await Snapshot.head(ctx)
    await Excluded.lift(ctx, { ...account(1), cloudAccountId: 'acc_2' })
    expect((await Snapshot.head(ctx)).version).toBe(version)
  })

  test('and concurrent commits of other processes all succeed: no account and no bill is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const runtime = memoryRuntime()
        const ctxs = processes(6, runtime, seed).map((process) => testContext(process))
        const acts = ctxs.map(async (ctx, i) => await (i % 2 ? commit(ctx, `2024-0${i}`) : purge(ctx, account(i + 2))))
        await Promise.all(acts)
        const view = await Snapshot.view(testContext(runtime))
        expect(view.snapshots.map(({ period }) => period)).toEqual(['2024-01', '2024-03', '2024-05'])
        expect(view.excluded.map(({ accountId }) => accountId).toSorted()).toEqual(['2', '4', '6'])
      }),
      { numRuns: 30 },
    )
  })

  test('is refused if the list in the head is full', () => {
    const full = Array.from({ length: 1000 }, (_, n) => ({ ...account(n), at: '' }))
    expect(Excluded.withAccount(full, { ...account(999), at: 'later' })).toHaveLength(1000)
    expect(() => Excluded.withAccount(full, { ...account(1000), at: '' })).toThrowError(
      expect.objectContaining({ code: 'conflict' }),
    )
  })
})
