import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import * as Organization from '../organization/organization.ts'
import { quotas, type Tier } from '../organization/tier.ts'
import * as Usage from '../organization/usage.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import * as RecordFailure from '../pipeline/bills/record-failure.ts'
import { dyingAt, processes } from '../testing/processes.ts'
import { refusal } from '../testing/identity.ts'
import { lake } from '../testing/purged-lake.ts'
import { over, testContext } from '../testing/runtime.ts'
import * as Import from './import.ts'
import * as Imports from './imports.ts'
import * as Raw from './raw.ts'

const gibibyte = 1024 ** 3
const bill = Buffer.from('A 2024-09 1.5')

/** An organization of a tier, as an API key sees it in four processes. */
async function organization(tier: Tier = 'free', seed = 1) {
  const { runtime } = lake()
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const ctx = testContext(runtime, { now: () => new Date(ms) })
  const founded = Organization.founded(ctx.orgId, 'Example', 'usr_1', ctx.now(), { tier })
  await runtime.tables.organizations.put(ctx.orgId, founded)
  const key: Context = { ...ctx, actor: { ...ctx.actor, kind: 'key', id: 'key_1' } }
  const others = processes(4, runtime, seed).map((process) => over(key, process))
  const at = (n: number): Context => others[n % others.length] ?? key
  const announce = async (by = key, bytes = bill.byteLength) =>
    (await Imports.create(by, { files: [{ name: 'bill.csv', bytes }] })).id
  const put = async (id: string, body: Buffer = bill) =>
    await runtime.blobs.put(ctx.orgId, `uploads/${id}/0/00000`, body)
  const uploaded = async () => {
    const id = await announce()
    await put(id)
    return id
  }
  /** The use of each quota, without its limit. */
  const used = async () => {
    const { usage } = await Organization.get(key, {})
    return Object.values(usage).map(({ used }) => used)
  }
  return {
    runtime,
    ctx,
    key,
    at,
    announce,
    put,
    uploaded,
    used,
    pass: (seconds: number) => void (ms += seconds * 1000),
  }
}

const outcomesOf = async (calls: Promise<unknown>[]) =>
  (await Promise.all(calls.map(refusal))).map((fault) => fault?.code)
const count = <Item>(items: readonly Item[], item: Item) => items.filter((each) => each === item).length

describe('deliveries', () => {
  test('never exceed the quotas, however many are announced and started at once', async () => {
    const { openDeliveries, runningDeliveries } = quotas.free
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 14 }), async (seed, n) => {
        const { ctx, key, at, announce, put, used } = await organization('free', seed)
        const announced = await outcomesOf(Array.from({ length: n }, async (_, i) => await announce(at(i))))
        const open = Math.min(n, openDeliveries)
        expect([count(announced, undefined), count(announced, 'conflict')]).toEqual([open, n - open])
        expect((await used())[0]).toBe(open)
        const ids = (await ctx.runtime.tables.imports.all(ctx.orgId)).map(({ id }) => id)
        expect(ids).toHaveLength(open)
        for (const id of ids) await put(id)
        const started = await outcomesOf(ids.map(async (id, i) => await Imports.start(at(i), { id })))
        const running = Math.min(open, runningDeliveries)
        expect([count(started, undefined), count(started, 'conflict')]).toEqual([running, open - running])
        expect((await used()).slice(0, 2)).toEqual([open - running, running])
        const first = (await ctx.runtime.tables.imports.all(ctx.orgId)).find(({ status }) => status === 'running')
        await Normalize.run(ctx, { importId: first?.id ?? '' })
        const again = await outcomesOf(ids.map(async (id) => await Imports.start(key, { id })))
        expect(count(again, 'conflict')).toBe(Math.max(0, open - running - 1))
      }),
      { numRuns: 15 },
    )
  })

  test('give back what they took when they end', async () => {
    const { ctx, runtime, announce, uploaded, used, pass, key } = await organization()
    const bytes = bill.byteLength
    const committed = await uploaded()
    expect(await used()).toEqual([1, 0, bytes, bytes])
    await Imports.start(key, { id: committed })
    expect(await used()).toEqual([0, 1, bytes, bytes])
    expect(await Normalize.run(ctx, { importId: committed })).toEqual({ outcome: 'committed' })
    expect(await used()).toEqual([0, 0, bytes, bytes])
    const unchanged = await uploaded()
    await Imports.start(key, { id: unchanged })
    expect(await Normalize.run(ctx, { importId: unchanged })).toEqual({ outcome: 'unchanged' })
    expect(await used()).toEqual([0, 0, 2 * bytes, bytes])
    const failed = await uploaded()
    await Imports.start(key, { id: failed })
    await RecordFailure.run(ctx, { importId: failed, error: {} })
    expect(await used()).toEqual([0, 0, 3 * bytes, 2 * bytes])
    await announce()
    pass(25 * 3600)
    await Import.sweep(ctx)
    expect(await used()).toEqual([0, 0, 0, bytes])
    expect((await runtime.blobs.list(ctx.orgId, 'raw/')).map(({ key }) => key.split('/')[1])).toEqual([
      committed,
      committed,
    ])
  })

  test('beyond the bytes of a day wait for the next day', async () => {
    const { announce, key, pass, used } = await organization()
    await announce(key, 6 * gibibyte)
    await expect(announce(key, 6 * gibibyte)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 16 * 3600,
      message: expect.stringContaining('10,737,418,240 bytes a day (UTC): 6,442,450,944 are in use'),
    })
    pass(16 * 3600)
    await announce(key, 6 * gibibyte)
    pass(-1)
    await expect(announce(key, 6 * gibibyte)).rejects.toMatchObject({ code: 'rate_limited' })
    pass(1)
    expect(await used()).toEqual([2, 0, 6 * gibibyte, 12 * gibibyte])
  })

  test('beyond the stored bytes are refused until bills are removed; the product itself has no quota', async () => {
    const { ctx, announce, key } = await organization()
    await Usage.edit(ctx, (usage) => ({ ...usage, keptBytes: quotas.free.storedBytes - 10 }))
    const fault = await refusal(announce())
    expect(fault).toMatchObject({ code: 'conflict', message: expect.stringContaining('stored bytes') })
    await Usage.free(ctx, 10)
    await announce(key)
    await announce(ctx, gibibyte)
  })

  test('are counted right again after the sweep, wherever a process was killed', async () => {
    const { ctx, key, announce, uploaded, used, pass } = await organization()
    const dead = dyingAt(key, (noun, verb) => noun === 'imports' && verb === 'insert')
    await expect(announce(dead)).rejects.toThrow('killed')
    const id = await uploaded()
    const half = dyingAt(key, (noun, verb) => noun === 'imports' && verb === 'replace')
    await expect(Imports.start(half, { id })).rejects.toThrow('killed')
    await Usage.edit(ctx, (usage) => ({ ...usage, keptBytes: 77 }))
    expect((await used()).slice(0, 2)).toEqual([1, 1])
    pass(61)
    await Import.sweep(ctx)
    expect(await used()).toEqual([1, 0, 2 * bill.byteLength, bill.byteLength])
    await Usage.end(ctx, id, false)
    expect((await used())[0]).toBe(0)
    await Import.sweep(ctx)
    expect((await used())[0]).toBe(1)
  })

  test('that are refused are counted no more, though the process was killed each time before it said so', async () => {
    const { ctx, key, put, used } = await organization()
    const files = [{ name: 'bill.csv', bytes: bill.byteLength, sha256: '0'.repeat(64) }]
    const { id } = await Imports.create(key, { files })
    await put(id)
    await Imports.start(key, { id })
    const dying = dyingAt(ctx, (noun) => noun === 'usage')
    await expect(Normalize.run(dying, { importId: id })).rejects.toThrow('killed')
    await RecordFailure.run(ctx, { importId: id, error: {} })
    expect((await Import.get(ctx, id)).status).toBe('refused')
    expect(await used()).toEqual([0, 0, bill.byteLength, 0])
  })

  test('that are canceled are counted no more, though the cancellation was killed', async () => {
    const { ctx, key, uploaded, used } = await organization()
    const id = await uploaded()
    const dying = dyingAt(key, (noun) => noun === 'usage')
    await expect(Import.cancel(dying, id)).rejects.toThrow('killed')
    expect((await used())[0]).toBe(1)
    await Import.removeCanceled(ctx, id)
    expect((await used())[0]).toBe(0)
  })

  test('are counted once when they begin during a sweep', async () => {
    const { ctx, runtime, key, uploaded, used } = await organization()
    const list = async (orgId: string, prefix: string) => {
      if (prefix === 'raw/') await Imports.start(key, { id: await uploaded() })
      return await runtime.blobs.list(orgId, prefix)
    }
    await Import.sweep(over(ctx, { ...runtime, blobs: { ...runtime.blobs, list } }))
    expect(await used()).toEqual([0, 1, bill.byteLength, bill.byteLength])
  })

  test('are brought by members with a confirmed address only', async () => {
    const { key, runtime, uploaded } = await organization()
    const user: Context = { ...key, actor: { ...key.actor, kind: 'user', id: 'usr_1' } }
    const created = { id: 'usr_1', email: 'ada@example.com', role: 'admin' as const, fullName: null, isActive: true }
    const at = '2026-11-23T08:00:00.000Z'
    const member = { ...created, hasSecondFactor: false, lastLogin: null, createdAt: at, updatedAt: at, version: 1 }
    await runtime.tables.users.put(key.orgId, { ...member, emailVerified: false })
    const files = [{ name: 'bill.csv', bytes: bill.byteLength }]
    const id = await uploaded()
    for (const refused of [Imports.create(user, { files }), Imports.start(user, { id })])
      expect(await refusal(refused)).toMatchObject({ message: expect.stringContaining('Confirm your e-mail address') })
    await runtime.tables.users.put(key.orgId, { ...member, emailVerified: true })
    expect(await Imports.start(user, { id })).toMatchObject({ status: 'running' })
  })
})

describe('an upload URL that still works after the start', () => {
  const forged = Buffer.from('A 2024-09 9.9')

  test('changes nothing that is stored as evidence or read', async () => {
    const { ctx, key, runtime, put, uploaded } = await organization()
    const id = await uploaded()
    await Imports.start(key, { id })
    await put(id, forged)
    expect(await Imports.start(key, { id })).toMatchObject({ status: 'running' })
    expect(await Normalize.run(ctx, { importId: id })).toEqual({ outcome: 'committed' })
    await put(id, forged)
    expect(Buffer.from(await runtime.blobs.get(ctx.orgId, Raw.partKey(id, 0, 0)))).toEqual(bill)
    expect((await Import.get(ctx, id)).changes?.[0]?.after[0]?.billed).toBe('1.5')
    await Import.sweep(ctx)
    expect(await runtime.blobs.list(ctx.orgId, 'uploads/')).toEqual([])
    expect(Buffer.from(await runtime.blobs.get(ctx.orgId, Raw.partKey(id, 0, 0)))).toEqual(bill)
  })

  test('names a key apart from the raw bills', async () => {
    const { key } = await organization()
    const { id, uploads } = await Imports.create(key, { files: [{ name: 'bill.csv', bytes: 1 }] })
    const { pathname } = new URL(uploads[0]?.urls[0] ?? '')
    expect(pathname).toBe(`/${key.orgId}/uploads/${id}/0/00000`)
  })

  test('has no second copy: of concurrent starts one copies, and a killed one is taken over after 30 s', async () => {
    const { key, at, uploaded, pass } = await organization()
    const id = await uploaded()
    const codes = await outcomesOf(Array.from({ length: 4 }, async (_, i) => await Imports.start(at(i), { id })))
    expect(codes).toContain(undefined)
    expect(codes.filter((code) => code !== undefined && code !== 'conflict')).toEqual([])
    const other = await uploaded()
    const dying = dyingAt(key, (noun, verb) => noun === 'blobs' && verb === 'copy')
    await expect(Imports.start(dying, { id: other })).rejects.toThrow('killed')
    expect(await refusal(Imports.start(key, { id: other }))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Another request is starting'),
    })
    pass(30)
    expect(await Imports.start(key, { id: other })).toMatchObject({ status: 'running' })
  })

  describe('with a start that lasts long', () => {
    const parts = 40
    /** An import of many parts, and a copy that waits for `open` and then does `during`. */
    async function slowly(during: (from: string) => void = () => undefined) {
      const made = await organization()
      const { runtime, ctx, key } = made
      const files = Array.from({ length: parts }, (_, i) => ({ name: `${i}.csv`, bytes: bill.byteLength }))
      const { id } = await Imports.create(key, { files })
      const upload = async (body: Buffer) => {
        for (const i of files.keys()) await runtime.blobs.put(ctx.orgId, `uploads/${id}/${i}/00000`, body)
      }
      await upload(bill)
      const gate = Promise.withResolvers<void>()
      const copy = async (orgId: string, from: string, to: string) => {
        during(from)
        await gate.promise
        await runtime.blobs.copy(orgId, from, to)
      }
      const slow = over(key, { ...runtime, blobs: { ...runtime.blobs, copy } })
      const last = async () => Buffer.from(await runtime.blobs.get(ctx.orgId, Raw.partKey(id, parts - 1, 0))).toString()
      return { ...made, id, upload, slow, open: gate.resolve, last }
    }

    test('copies no more parts after another request took it over, and leaves that one its place', async () => {
      const { ctx, key, id, upload, slow, open, last, pass, used } = await slowly()
      const stalled = refusal(Imports.start(slow, { id }))
      await new Promise((wake) => setTimeout(wake))
      pass(31)
      expect(await Imports.start(key, { id })).toMatchObject({ status: 'running' })
      await upload(forged)
      open()
      expect(await stalled).toMatchObject({ code: 'conflict' })
      expect(await last()).toBe(bill.toString())
      expect((await used()).slice(0, 2)).toEqual([0, 1])
      await Usage.edit(ctx, ({ active, ...usage }) => {
        const paused = Object.entries(active).map(([name, entry]) => [name, { ...entry, runsSince: undefined }])
        return { ...usage, active: Object.fromEntries(paused) }
      })
      await Import.sweep(ctx)
      expect((await used()).slice(0, 2)).toEqual([0, 1])
    })

    test('is not taken over while it goes on', async () => {
      const { key, id, slow, open, pass } = await slowly((from) => {
        if (/\/(5|3[3-9])\//.test(from)) pass(11)
      })
      open()
      const first = Imports.start(slow, { id })
      expect(await refusal(Imports.start(key, { id }))).toMatchObject({ code: 'conflict' })
      expect(await first).toMatchObject({ status: 'running' })
    })
  })
})
