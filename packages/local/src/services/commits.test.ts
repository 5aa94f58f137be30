import { Actor, relayed, Snapshot, type Context, type Runtime, type Tables } from '@cloudoptima/core'
import { createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import { expect, onTestFinished, test } from 'vitest'
import type { Services } from './boot.ts'
import { dataFolder, memoryLog } from './testing/services.ts'

const processes = 40
const mostAttempts = 20

/** The context of another process over the same store, and how often it tried to move the head of the lake. */
function processOver({ connection, endpoints }: Pick<Services, 'connection' | 'endpoints'>): {
  ctx: Context
  attempts(): number
} {
  const runtime: Runtime = createRuntime({
    ...connection,
    endpoints,
    tableName: 'cloudoptima',
    bucketName: 'cloudoptima',
    lake: noLake,
  })
  let attempts = 0
  const { heads } = runtime.tables
  const replace: typeof heads.replace = async (...input) => (attempts++, await heads.replace(...input))
  const counted = { ...heads, replace }
  const get = (tables: Tables, noun: string | symbol) => (noun === 'heads' ? counted : tables[noun as keyof Tables])
  const log = memoryLog()
  const ctx = makeContext({ orgId: 'org', actor: Actor.system('test'), runtime, log })
  const tables = new Proxy(runtime.tables, { get })
  return { ctx: { ...ctx, tables: relayed({ ...runtime, tables }, log) }, attempts: () => attempts }
}

const candidate = (billingAccountId: string): Snapshot.Candidate => ({
  kind: 'bill',
  provider: 'AWS',
  billingAccountId,
  period: '2026-10',
  rows: 1,
  days: { first: '2026-10-01', last: '2026-10-31' },
  totals: [],
  control: [],
  formats: ['test'],
  files: { costs: [], cost_rollup: [] },
})

test('40 deliveries of one organization to different partitions, by as many processes at once, all land', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const services = await folder.boot()
  const all = Array.from({ length: processes }, () => processOver(services))
  const began = performance.now()
  const outcomes = await Promise.allSettled(
    all.map(async ({ ctx }, n) => {
      const delivery = { snapshotId: `imp_${n}`, raw: `imp_${n}`, digest: String(n), siblings: 1 }
      return await Snapshot.commit(ctx, { ...delivery, partitions: [candidate(String(n))], replace: false })
    }),
  )
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const attempts = all.map((each) => each.attempts())
  const total = attempts.reduce((sum, each) => sum + each, 0)
  console.log(`${processes} commits: ${total} attempts, at most ${Math.max(...attempts)} of one, in ${seconds} s`)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
  const view = await Snapshot.view(all[0]?.ctx ?? expect.fail())
  expect(view.lakeVersion).toBe(processes)
  expect(view.snapshots).toHaveLength(processes)
  expect(Math.max(...attempts)).toBeLessThanOrEqual(mostAttempts)
})
