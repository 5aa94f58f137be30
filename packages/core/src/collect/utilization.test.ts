import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type * as CloudAccount from '../accounts/cloud-account.ts'
import type { Measurement } from '../kernel/resource.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { collectUtilization, daysOf } from './utilization.ts'
import { landRows } from './rows.ts'

test.each([
  ['today after a success of today', '2026-11-28T09:00:00Z', '2026-11-28T08:00:00Z', ['2026-11-28']],
  ['yesterday too in the first hours', '2026-11-28T02:59:00Z', '2026-11-28T01:00:00Z', ['2026-11-27', '2026-11-28']],
  ['the days of an outage', '2026-11-28T09:00:00Z', '2026-11-26T23:00:00Z', ['2026-11-26', '2026-11-27', '2026-11-28']],
])('the days that are read are %s', (_, now, lastSuccessAt, days) => {
  expect(daysOf(new Date(now), lastSuccessAt)).toEqual(days)
})

test('a day of which a part did not answer is read again with the others, within the last 15 days', () => {
  const days = (unread: string[]) => daysOf(new Date('2026-11-28T09:00:00Z'), '2026-11-28T08:00:00Z', unread)
  expect(days(['2026-11-25', '2026-11-28'])).toEqual(['2026-11-25', '2026-11-28'])
  expect(days(['2026-11-13', '2026-11-14'])).toEqual(['2026-11-14', '2026-11-28'])
})

test.each(['2026-10-01T00:00:00Z', undefined])(
  'at the first look, and after a long outage, 15 days are read',
  (last) => {
    const days = daysOf(new Date('2026-11-28T01:00:00Z'), last)
    expect([days.length, days[0], days.at(-1)]).toEqual([15, '2026-11-14', '2026-11-28'])
  },
)

test('values join those of the day; the same values, or none, change nothing', async () => {
  const merged: (readonly string[])[] = []
  const runtime = memoryRuntime(() => ({
    async writeRows(_, { source, path, before }) {
      merged.push(before)
      await writeFile(path, await readFile(source))
      return 1
    },
    query: async () => [],
  }))
  const ctx = testContext(runtime, { now: () => new Date('2026-11-28T09:00:00Z') })
  const owner = { provider: 'aws', accountId: '1' } as const
  const cloudAccountId = 'acc_1'
  await ctx.tables.cloudAccounts.put(ctx.orgId, { id: cloudAccountId } as CloudAccount.Info)
  await landRows(ctx, {
    syncId: 'syn_0',
    cloudAccountId,
    facts: { kind: 'inventory', ...owner, takenAt: ctx.now().toISOString() },
    current: undefined,
    rows: (async function* () {
      yield { id: 'i-1' }
    })(),
    keptParts: () => [],
  })
  merged.length = 0
  let values: Measurement[] = []
  runtime.cloud.utilization = async function* () {
    yield values
  }
  const collect = async (syncId: string, averages: number[]) => {
    values = averages.map((average) => ({
      resourceId: 'i-1',
      hour: '2026-11-28T08:00:00.000Z',
      metric: 'cpu',
      average,
      maximum: average,
    }))
    const source = { ...owner, cloudAccountId, lastSuccessAt: '2026-11-28T08:00:00.000Z' }
    return (await collectUtilization(ctx, { source, syncId, access: {}, problems: [] } as never)).isNew
  }
  const files = async () => (await Snapshot.view(ctx, { kind: 'utilization' })).snapshots.flatMap(Snapshot.allFiles)
  expect(await collect('syn_1', [1])).toBe(true)
  const first = await files()
  expect(await collect('syn_2', [1])).toBe(false)
  expect(await collect('syn_3', [])).toBe(false)
  expect(await files()).toEqual(first)
  expect(await collect('syn_4', [2])).toBe(true)
  expect(merged).toEqual([[], first])
})
