import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import * as Collect from '../collect/collect.ts'
import { planSources } from '../collect/plan.ts'
import * as Source from '../collect/source.ts'
import type { Context } from '../effects/context.ts'
import { isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { removeUncollected } from '../lake/orphans.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt, stoppingAt } from '../testing/processes.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'
import * as CloudAccounts from './cloud-accounts.ts'
import { removePurged } from './purge.ts'

const account = '111111111111'
const kinds = ['inventory', 'utilization'] as const
type Kind = (typeof kinds)[number]

/** A connected account whose clock moves with each reading, and whose values differ at each look. */
async function connected() {
  let ms = Date.parse('2026-11-28T08:00:00Z')
  let look = 0
  const runtime = memoryRuntime(() => ({
    async writeRows(_, { source, path }) {
      await writeFile(path, await readFile(source))
      return 1
    },
    compareResources: async () => ({ isSame: false, rows: 0, counts: {}, resources: [] }),
    query: async () => [],
  }))
  runtime.cloud.inventory = async function* () {
    const resource = { id: `i-${look++}`, kind: 'instance' as const, status: 'running', tags: {}, configuration: {} }
    yield { part: 'ec2:instances/eu-west-1', resources: [{ ...resource, region: 'eu-west-1' }] }
  }
  runtime.cloud.utilization = async function* () {
    yield [{ resourceId: 'i-0', hour: '2026-11-28T08:00:00.000Z', metric: 'cpu', average: look++, maximum: 1 }]
  }
  const now = () => new Date((ms += 10))
  const ctx = testContext(runtime, { now, newId: (prefix) => Id.create(prefix, now()) })
  const pass = (hours: number) => void (ms += hours * 3600_000)
  return { ctx, runtime, pass, id: await connect(ctx) }
}

async function connect(ctx: Context): Promise<string> {
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  const { id } = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
  await planSources(ctx, id)
  return id
}

/** A message is delivered again, and a caller calls again. */
async function repeated(act: () => Promise<void>): Promise<void> {
  await act().catch(async (error: unknown) => {
    if (!isFault(error, 'not_found') && !isFault(error, 'conflict')) throw error
    await act()
  })
}

/** One collection, which a message begins. */
async function collect(ctx: Context, id: string, kind: Kind): Promise<void> {
  const sourceId = Source.idOf(id, kind)
  const known = await ctx.runtime.tables.sources.get(ctx.orgId, sourceId)
  if (!known) return
  const ticket = ctx.newId('tkt')
  await ctx.runtime.tables.sources.put(ctx.orgId, { ...known, ticket })
  await repeated(async () => await Collect.run(ctx, { sourceId, ticket }))
}

const purge = async (ctx: Context, id: string) =>
  await repeated(async () => void (await CloudAccounts.disconnect(ctx, { id, costs: 'purge' })))

const visible = async (ctx: Context) =>
  (await Promise.all(kinds.map(async (kind) => (await Snapshot.view(ctx, { kind })).snapshots))).flat()

/** Files of rows, and the versions that name some. */
const left = async ({ runtime, orgId }: Context) => {
  const history = await runtime.tables.snapshots.all(orgId)
  return [
    ...(await runtime.blobs.list(orgId, 'lake/kind=')),
    ...history.filter((one) => Snapshot.allFiles(one).length > 0),
  ]
}

describe.each([
  ['inventory', 'the first', 0],
  ['inventory', 'a later', 1],
  ['utilization', 'the first', 0],
  ['utilization', 'a later', 1],
] as const)('a collection of %s, %s one, that runs while its account is purged', (kind, _, before) => {
  test.each(['collection', 'purge'] as const)(
    'brings no row back, wherever the %s waits for the other',
    async (waiting) => {
      let landed = 0
      for (let access = 0, isOver = false; !isOver; access++) {
        const { ctx, id } = await connected()
        if (kind === 'utilization') await collect(ctx, id, 'inventory')
        for (let n = 0; n < before; n++) await collect(ctx, id, kind)
        const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
        const acts = {
          collection: async (at: Context) => await collect(at, id, kind),
          purge: async (at: Context) => await purge(at, id),
        }
        let isDone = false
        const first = acts[waiting](over(ctx, runtime)).then(() => (isDone = true))
        await Promise.race([stopped, first])
        isOver = isDone
        const known = new Set((await visible(ctx)).map(({ snapshotId }) => snapshotId))
        await acts[waiting === 'collection' ? 'purge' : 'collection'](ctx)
        if (waiting === 'purge')
          landed += (await visible(ctx)).filter(({ snapshotId }) => !known.has(snapshotId)).length
        goOn()
        await first
        expect(await visible(ctx)).toEqual([])
        await removePurged(ctx)
        expect(await left(ctx)).toEqual([])
      }
      // Some purges met rows that had landed after their first access.
      if (waiting === 'purge') expect(landed).toBeGreaterThan(0)
    },
  )
})

test('a collection of the earlier connection brings no row into an account that was connected again', async () => {
  let reached = 0
  for (let access = 0, isOver = false; !isOver; access++) {
    const { ctx, id } = await connected()
    const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
    let isDone = false
    const first = collect(over(ctx, runtime), id, 'inventory').then(() => (isDone = true))
    await Promise.race([stopped, first])
    isOver = isDone
    await purge(ctx, id)
    const again = await connect(ctx)
    expect(again).not.toBe(id)
    await collect(ctx, again, 'inventory')
    const [own] = await visible(ctx)
    goOn()
    await first
    expect((await visible(ctx)).map(({ snapshotId }) => snapshotId)).toEqual([own?.snapshotId])
    await removePurged(ctx)
    const [file] = own ? Snapshot.allFiles(own) : []
    expect((await ctx.runtime.blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)).toEqual([file])
    reached++
  }
  expect(reached).toBeGreaterThan(10)
})

test('the removal after a purge leaves the files of a collection of the account that was connected again', async () => {
  for (let access = 0, isOver = false; !isOver; access++) {
    const { ctx, id } = await connected()
    await collect(ctx, id, 'inventory')
    await purge(ctx, id)
    const again = await connect(ctx)
    const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
    let isDone = false
    const running = collect(over(ctx, runtime), again, 'inventory').then(() => (isDone = true))
    await Promise.race([stopped, running])
    isOver = isDone
    await removePurged(ctx)
    goOn()
    await running
    const [own] = await visible(ctx)
    expect(own).toBeDefined()
    for (const key of own ? Snapshot.allFiles(own) : []) await ctx.runtime.blobs.get(ctx.orgId, key)
  }
})

test.each([0, 1])('the version of a killed collection is removed after a day; earlier versions: %i', async (before) => {
  const { ctx, id, pass } = await connected()
  for (let n = 0; n < before; n++) await collect(ctx, id, 'inventory')
  const dying = dyingAt(ctx, (noun, verb) => noun === 'heads' && verb === 'replace')
  await expect(collect(dying, id, 'inventory')).rejects.toThrow('killed')
  const found = await left(ctx)
  expect(found).toHaveLength(2 + 2 * before)
  pass(25)
  expect(await removeUncollected(ctx)).toBe(1)
  expect(await left(ctx)).toHaveLength(2 * before)
  expect(await visible(ctx)).toHaveLength(before)
})
