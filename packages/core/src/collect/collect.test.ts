import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as CloudAccounts from '../accounts/cloud-accounts.ts'
import * as Import from '../bills/import.ts'
import type { Context } from '../effects/context.ts'
import type { Compared } from '../effects/lake.ts'
import type { Provider } from '../effects/clouds.ts'
import { events } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Resource } from '../kernel/resource.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt } from '../testing/processes.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'
import * as Collect from './collect.ts'
import { planSources } from './plan.ts'
import * as Schedule from './schedule.ts'
import * as Source from './source.ts'
import * as Syncs from './syncs.ts'

const account = '111111111111'
const minute = 60_000

const instance = (id: string, more: Partial<Resource> = {}): Resource => ({
  id,
  kind: 'instance',
  status: 'running',
  region: 'eu-west-1',
  tags: {},
  configuration: {},
  ...more,
})

const nothingChanged: Compared = { isSame: false, rows: 0, counts: {}, resources: [] }

/** A connected account whose cloud the test replaces. Rows are written as JSON lines instead of Parquet. */
async function connected(cloud: Partial<Omit<Provider, 'verify'>> = {}, compared: Compared = nothingChanged) {
  let ms = Date.parse('2026-11-28T08:00:00Z')
  const written: { rows: Record<string, unknown>[]; before: readonly string[]; kept: readonly string[] }[] = []
  const runtime = memoryRuntime(() => ({
    async compareResources({ path }) {
      await writeFile(path, 'changes')
      return compared
    },
    async writeRows(_, { source, path, before, kept }) {
      const text = await readFile(source, 'utf8')
      await writeFile(path, text)
      const rows = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      written.push({ rows, before, kept })
      return rows.length
    },
    query: async () => [],
  }))
  Object.assign(runtime.cloud, cloud)
  const ctx = testContext(runtime, { now: () => new Date(ms) })
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  const { id } = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
  const connections = runtime.events.filter(({ name }) => name === 'account.connected')
  await planSources(ctx, id)
  /** Delivers all messages, and those that follow from them. */
  const deliver = async () => {
    for (let next = runtime.sent.shift(); next; next = runtime.sent.shift())
      await Collect.run(ctx, Collect.Input.parse(next.data))
  }
  const pass = (minutes: number) => void (ms += minutes * minute)
  const round = async (minutes: number) => {
    pass(minutes)
    await Schedule.run(ctx, () => false)
    await deliver()
  }
  const source = async (kind: Source.Kind) => await ctx.tables.sources.get(ctx.orgId, Source.idOf(id, kind))
  return { ctx, runtime, id, written, connections, deliver, pass, round, source }
}

const partsOf = (...parts: [string, Resource[]][]): Provider['inventory'] =>
  async function* () {
    for (const [part, resources] of parts) yield { part, resources }
  }

const inventories = async (ctx: Context) => (await Snapshot.view(ctx, { kind: 'inventory' })).snapshots

describe('a connected account', () => {
  test('is collected at once, each source once, and then as often as its freshness says', async () => {
    const { ctx, runtime, connections, deliver, round, source } = await connected()
    expect(connections).toHaveLength(1)
    expect(runtime.sent.map(({ queue }) => queue)).toEqual(['collect-aws', 'collect-aws', 'processing', 'processing'])
    await deliver()
    expect(await source('bills')).toMatchObject({ lookedAt: '2026-11-28T08:00:00.000Z', failures: 0, problems: [] })
    const sent = async (minutes: number) => {
      await round(minutes)
      const looked = await Promise.all(Source.kinds.map(async (kind) => await source(kind)))
      return looked.filter((one) => one?.lookedAt === ctx.now().toISOString()).map((one) => one?.kind)
    }
    expect(await sent(1)).toEqual([])
    expect(await sent(5)).toEqual(['bills'])
    expect(await sent(60)).toEqual(['bills', 'inventory', 'utilization'])
    expect(await sent(24 * 60)).toEqual([...Source.kinds])
  })

  test('that is disconnected is collected no more, also by messages that were sent before', async () => {
    let looks = 0
    const bills: Provider['bills'] = async function* () {
      looks++
      yield* []
    }
    const { ctx, id, deliver, round } = await connected({ bills })
    await CloudAccounts.disconnect(ctx, { id })
    await deliver()
    await round(24 * 60)
    expect(looks).toBe(0)
    expect(await Source.ofAccount(ctx, id)).toEqual([])
  })

  test('is collected once for a message that is delivered twice, and again if its collector was killed', async () => {
    let looks = 0
    const bills: Provider['bills'] = async function* () {
      looks++
      await new Promise((wake) => setTimeout(wake, 5))
      yield* []
    }
    const { ctx, runtime, id, pass, round } = await connected({ bills })
    const message = runtime.sent.splice(0).find(({ data }) => (data as Source.Message).sourceId === `${id}/bills`)
    const input = Collect.Input.parse(message?.data)
    await Promise.all([Collect.run(ctx, input), Collect.run(ctx, input)])
    await Collect.run(ctx, input)
    expect(looks).toBe(1)
    // A collector that never ends: its claim ends.
    await ctx.tables.sources.update(ctx.orgId, `${id}/bills`, (source) => ({
      ...source,
      syncId: 'syn_killed',
      dueAt: ctx.now().toISOString(),
    }))
    pass(1)
    await round(0)
    expect(looks).toBe(2)
  })
})

describe('a failure', () => {
  const failing = (error: () => Error | undefined): Provider['inventory'] =>
    async function* () {
      const failure = error()
      if (failure) throw failure
      yield { part: 'ec2:instances/eu-west-1', resources: [instance('i-1')] }
    }

  test('keeps the last good data, says since when and why, backs off, is announced once, and recovers', async () => {
    let error: Error | undefined
    const { ctx, runtime, id, deliver, round, source } = await connected({ inventory: failing(() => error) })
    await deliver()
    const [before] = await inventories(ctx)
    error = new Fault('forbidden', 'The role cannot be assumed. Create it again.')
    await round(65)
    const since = ctx.now().toISOString()
    await round(65)
    // Two hours and their spread of a tenth.
    await round(70)
    expect(await source('inventory')).toMatchObject({
      failingSince: since,
      failures: 2,
      problems: [{ state: 'credentials_refused', message: 'The role cannot be assumed. Create it again.' }],
    })
    expect((await inventories(ctx))[0]?.snapshotId).toBe(before?.snapshotId)
    expect(runtime.events.filter(({ name }) => name === 'sync.failed')).toHaveLength(1)
    const { sources, syncs } = await Syncs.list(ctx, { id })
    expect(sources.find(({ kind }) => kind === 'inventory')).toMatchObject({ status: 'failing', failingSince: since })
    expect(syncs.filter(({ status }) => status === 'failed')).toHaveLength(1)
    error = undefined
    await round(24 * 60)
    expect(await source('inventory')).toMatchObject({ failures: 0, problems: [] })
    expect(await source('inventory')).not.toHaveProperty('failingSince')
  })

  test('of the product is logged, and its text reaches nobody', async () => {
    const { ctx, id, deliver } = await connected({ inventory: failing(() => new Error('secret')) })
    await deliver()
    expect(JSON.stringify(await Syncs.list(ctx, { id }))).not.toContain('secret')
  })
})

describe('an inventory', () => {
  test('keeps the last rows of a part that cannot be read, and drops those that are gone', async () => {
    let isDenied = false
    let parts: [string, Resource[]][] = [
      ['ec2:instances/eu-west-1', [instance('i-1')]],
      ['ec2:instances/us-east-1', [instance('i-2')]],
    ]
    const inventory: Provider['inventory'] = async function* (access) {
      if (isDenied) access.report({ state: 'region_disabled', part: 'ec2:instances/us-east-1', message: 'Enable it.' })
      yield* partsOf(...parts)(access)
    }
    const { ctx, id, written, deliver, round } = await connected({ inventory })
    await deliver()
    isDenied = true
    parts = [['ec2:instances/eu-west-1', [instance('i-3')]]]
    await round(65)
    expect(written.map(({ rows, kept }) => [rows.map((row) => row['id']), kept])).toEqual([
      [['i-1', 'i-2'], []],
      [['i-3'], ['ec2:instances/us-east-1']],
    ])
    expect(await inventories(ctx)).toMatchObject([{ version: 2 }])
    expect((await Syncs.list(ctx, { id })).syncs[0]).toMatchObject({
      status: 'partial',
      problems: [{ state: 'region_disabled', part: 'ec2:instances/us-east-1' }],
    })
  })

  test('without tags is written with the last one, which has them', async () => {
    const { tags: _, ...untagged } = instance('i-1')
    let resources: Resource[] = [instance('i-1', { tags: { team: 'blue' } })]
    const { ctx, written, deliver, round } = await connected({
      inventory: async function* () {
        yield { part: 'a', resources }
      },
    })
    await deliver()
    const files = (await inventories(ctx)).flatMap(Snapshot.allFiles)
    resources = [untagged]
    await round(65)
    expect(written.map(({ before }) => before)).toEqual([[], files])
  })

  test('that changed says what changed, within the size of an event, and keeps the changes', async () => {
    let resources: Resource[] = [instance('i-1')]
    const long = Array.from({ length: 100 }, (_, n) => ({ id: `${n}`.padStart(200, 'x'), change: 'started' as const }))
    const compared: Compared = { isSame: false, rows: 100, counts: { started: 900 }, resources: long }
    const inventory: Provider['inventory'] = async function* () {
      yield { part: 'a', resources }
    }
    const { ctx, runtime, deliver, round } = await connected({ inventory }, compared)
    await deliver()
    resources = [instance('i-2')]
    await round(65)
    const changed = runtime.events.filter(({ name }) => name === 'resource.changed').map(({ data }) => data)
    const owner = { provider: 'aws', accountId: account }
    expect(changed).toMatchObject([
      { ...owner, counts: {}, resources: [] },
      { ...owner, counts: { started: 900 } },
    ])
    expect(events['resource.changed'].parse(changed[1])).toEqual(changed[1])
    expect(JSON.stringify(changed[1]).length).toBeLessThan(9000)
    expect(JSON.stringify(changed[1])).toContain(long[30]?.id)
    const [snapshot] = await inventories(ctx)
    const [key = ''] = snapshot?.files.resource_changes ?? []
    expect(Buffer.from(await runtime.blobs.get(ctx.orgId, key)).toString()).toBe('changes')
  })

  test('with a part that stays unreadable writes nothing as long as the rest is the same', async () => {
    let isDenied = false
    const inventory: Provider['inventory'] = async function* (access) {
      if (isDenied) access.report({ state: 'permission_missing', part: 'b', message: 'Allow it.' })
      yield { part: 'a', resources: [instance('i-1')] }
    }
    const { ctx, runtime, deliver, round } = await connected({ inventory }, { ...nothingChanged, isSame: true })
    await deliver()
    isDenied = true
    for (let n = 0; n < 3; n++) await round(65)
    expect(await inventories(ctx)).toMatchObject([{ version: 1 }])
    expect(runtime.events.filter(({ name }) => name === 'resource.changed')).toHaveLength(1)
  })

  test('lands only on the inventory that it was compared with', async () => {
    let other: (() => Promise<void>) | undefined
    let looks = 0
    const inventory: Provider['inventory'] = async function* () {
      yield { part: 'a', resources: [instance(`i-${looks++}`)] }
      const run = other
      other = undefined
      await run?.()
    }
    const { ctx, id, deliver, round, source } = await connected({ inventory })
    await deliver()
    other = async () => {
      // Another process takes over.
      await ctx.tables.sources.update(ctx.orgId, `${id}/inventory`, (known) => ({ ...known, ticket: 'tkt_2' }))
      await Collect.run(ctx, { sourceId: `${id}/inventory`, ticket: 'tkt_2' })
    }
    await round(65)
    expect(looks).toBe(3)
    expect(await inventories(ctx)).toMatchObject([{ version: 2 }])
    expect(await source('inventory')).toMatchObject({ failures: 0, problems: [] })
  })

  test('that did not change writes nothing, in whatever order the parts come', async () => {
    const all: [string, Resource[]][] = [
      ['a', [instance('i-1'), instance('i-2')]],
      ['b', [instance('i-3')]],
    ]
    let parts = all
    const { ctx, written, deliver, round } = await connected({
      inventory: async function* (access) {
        yield* partsOf(...parts)(access)
      },
    })
    await deliver()
    parts = all.toReversed()
    await round(65)
    expect(written).toHaveLength(1)
    expect(await inventories(ctx)).toMatchObject([{ version: 1, rows: 3 }])
  })
})

describe('utilization', () => {
  /** Looks at each hour until the end of the next day; answers the days that each look read. */
  const looks = async (problemOf: (day: string, hour: string) => 'unavailable' | 'permission_missing' | undefined) => {
    const read: string[] = []
    const { ctx, deliver, round, source } = await connected({
      inventory: partsOf(['ec2:instances/eu-west-1', [instance('i-1')]]),
      utilization: async function* (access, { day }) {
        const now = ctx.now().toISOString()
        read.push(`${now.slice(8, 13)} ${day.slice(8)}`)
        const state = problemOf(day, now)
        if (state) access.report({ state, part: 'cloudwatch:metrics/eu-west-1', message: 'It may answer later.' })
        yield* []
      },
    })
    await deliver()
    for (let n = 0; n < 36; n++) await round(64)
    return { read, source: await source('utilization') }
  }
  const ofDay = (read: string[], day: string) =>
    read.filter((look) => look.endsWith(` ${day}`)).map((look) => look.slice(0, 5))

  test('of a day is read again on the next day until all parts answered, and then no more', async () => {
    const { read, source } = await looks((_, now) =>
      now >= '2026-11-28T20' && now < '2026-11-29T09' ? 'unavailable' : undefined,
    )
    const again = ofDay(read, '28').filter((look) => look > '29T03')
    expect(again).toEqual(['29T04', '29T05', '29T06', '29T07', '29T08', '29T09'])
    expect(source).toMatchObject({ problems: [], unreadDays: {} })
  })

  test('that is never answered is not asked for ever, and a denied part is not asked again', async () => {
    const silent = ofDay((await looks((day) => (day === '2026-11-28' ? 'unavailable' : undefined))).read, '28')
    expect(silent.filter((look) => look > '29')).toHaveLength(12)
    const denied = ofDay((await looks(() => 'permission_missing')).read, '28')
    expect(denied.at(-1)).toBe('29T02')
  })
})

test('a bill that cannot be fetched is tried twice, after an hour, and again on the next day', async () => {
  let fetches = 0
  const bills: Provider['bills'] = async function* () {
    const fetch = async () => {
      fetches++
      throw new Fault('unavailable', 'The bucket does not answer.')
    }
    yield { id: 'focus/2026-10', period: '2026-10', version: '1', fetch }
  }
  const { deliver, round, source } = await connected({ bills })
  await deliver()
  for (let n = 0; n < 5; n++) await round(6)
  expect(fetches).toBe(2)
  for (let n = 0; n < 10; n++) await round(6)
  expect(fetches).toBe(3)
  expect(await source('bills')).toMatchObject({ problems: [{ state: 'import_failed', part: 'focus/2026-10' }] })
  await round(24 * 60)
  expect(fetches).toBe(4)
})

test('a month whose upload is given up is not lost, wherever the process is killed', async () => {
  const bills: Provider['bills'] = async function* () {
    const fetch = async (folder: string) => {
      const path = join(folder, 'bill.csv')
      await writeFile(path, 'bill')
      return [{ name: 'bill.csv', path }]
    }
    yield { id: 'focus/2026-10', period: '2026-10', version: '1', fetch }
  }
  let isKilled = true
  let accesses = 0
  for (; isKilled; accesses++) {
    const { ctx, runtime, round, pass } = await connected({ bills })
    isKilled = false
    const collect = async (by: Context) => {
      await Schedule.run(ctx, () => false)
      const messages = runtime.sent.splice(0).map(({ data }) => Collect.Input.parse(data))
      for (const message of messages.filter(({ sourceId }) => sourceId.endsWith('/bills')))
        await Collect.run(by, message).catch((error: unknown) => {
          if (!(error instanceof Error && error.message === 'killed')) throw error
          isKilled = true
        })
    }
    const gone = () => Promise.reject(new Error('The bucket is gone.'))
    const blobs = { ...runtime.blobs, put: gone, putFile: gone }
    for (const minutes of [0, 30, 120]) {
      pass(minutes)
      await collect(over(ctx, { ...runtime, blobs }))
    }
    pass(30 * 60)
    let left = accesses
    await collect(dyingAt(ctx, () => left-- <= 0))
    for (let day = 0; day < 3; day++) await round(27 * 60)
    const started = await Array.fromAsync(Import.withStatus(ctx, 'running'))
    expect({ accesses, started: started.length }).toEqual({ accesses, started: 1 })
  }
  expect(accesses).toBeGreaterThan(20)
})

describe('the ledger', () => {
  test('counts the calls and their price for each day, exactly, also of looks that found nothing', async () => {
    const bills: Provider['bills'] = async function* ({ meter }) {
      await meter.take({ api: 'ce:GetCostAndUsage', price: '0.01', bytes: 3 })
      await meter.take({ api: 's3:ListObjectsV2', price: '0.000005' })
      yield* []
    }
    const { ctx, id, deliver, round } = await connected({ bills })
    await deliver()
    for (let n = 0; n < 3; n++) await round(6)
    await round(24 * 60)
    const { ledger } = await Syncs.list(ctx, { id })
    const total = ledger.reduce((sum, { calls }) => sum + (calls['ce:GetCostAndUsage']?.calls ?? 0), 0)
    expect(total).toBe(5)
    expect(ledger.map(({ usd }) => Number(usd)).reduce((a, b) => a + b, 0)).toBeCloseTo(5 * 0.010005, 10)
  })
})

test('a request for a collection now begins it, and not a second one beside one that runs', async () => {
  const { ctx, runtime, id, deliver } = await connected()
  await deliver()
  expect((await Syncs.sync(ctx, { id, kinds: ['bills', 'inventory'] })).requested).toEqual(['bills', 'inventory'])
  expect(runtime.sent).toHaveLength(2)
  await ctx.tables.sources.update(ctx.orgId, `${id}/bills`, (source) => ({ ...source, syncId: 'syn_1' }))
  expect((await Syncs.sync(ctx, { id, kinds: ['bills'] })).requested).toEqual([])
})

test('the freshness of a source can be changed within limits', async () => {
  const { ctx, id, deliver, source } = await connected()
  await deliver()
  await Syncs.setFreshness(ctx, { id, inventory: 240, bills: 10 })
  expect([(await source('inventory'))?.everyMinutes, (await source('bills'))?.everyMinutes]).toEqual([240, 10])
  await expect(Syncs.setFreshness(ctx, { id, costs: 60 })).rejects.toMatchObject({ code: 'invalid' })
})
