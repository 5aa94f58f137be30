import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anonymous } from '../kernel/actor.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Idempotency from './idempotency.ts'
import { memoryRuntime, replacing, testContext, over } from '../testing/runtime.ts'

const request = { files: [{ name: 'a', bytes: 1 }] }

/** An effect that can be counted, and an answer that names what was made. */
function effect() {
  const made = new Set<string>()
  let runs = 0
  return {
    made,
    runs: () => runs,
    run: async (ctx: Context) => {
      runs++
      const id = ctx.newId('imp')
      await Promise.resolve()
      made.add(id)
      return { id }
    },
  }
}

describe('one key', () => {
  test('100 times in a row: one effect, the same answer', async () => {
    const ctx = testContext(memoryRuntime())
    const { run, runs, made } = effect()
    const answers = []
    for (let n = 0; n < 100; n++) answers.push(await Idempotency.once(ctx, { key: 'key', request }, run))
    expect([runs(), made.size, new Set(answers.map(({ id }) => id)).size]).toEqual([1, 1, 1])
  })

  test('50 times concurrently: one effect; the others get the same answer or a conflict', async () => {
    const ctx = testContext(memoryRuntime())
    const { run, made } = effect()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, async () => await Idempotency.once(ctx, { key: 'key', request }, run)),
    )
    const ids = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []))
    const refused = outcomes.filter(
      ({ status, ...outcome }) =>
        status === 'rejected' &&
        'reason' in outcome &&
        outcome.reason instanceof Fault &&
        outcome.reason.code === 'conflict',
    )
    expect([made.size, new Set(ids).size, ids.length + refused.length]).toEqual([1, 1, 50])
  })

  test('with another body: 422, whether or not it is secret', async () => {
    const ctx = testContext(memoryRuntime())
    for (const isSecret of [false, true]) {
      const key = `key-${isSecret}`
      await Idempotency.once(ctx, { key, request, isSecret }, effect().run)
      await expect(
        Idempotency.once(ctx, { key, request: { files: [] }, isSecret }, effect().run),
      ).rejects.toMatchObject({ code: 'invalid' })
    }
  })

  test('crash between effect and record: a retry creates the same item', async () => {
    const runtime = memoryRuntime()
    let now = new Date('2026-11-23T08:00:00Z')
    const ctx = testContext(runtime, { now: () => now })
    const { run, made } = effect()
    const put = runtime.tables.idempotency.put
    runtime.tables.idempotency.put = () => new Promise(() => undefined)
    void Idempotency.once(ctx, { key: 'key', request }, run)
    while (made.size === 0) await new Promise((wake) => setTimeout(wake, 1))
    runtime.tables.idempotency.put = put
    await expect(Idempotency.once(ctx, { key: 'key', request }, run)).rejects.toMatchObject({
      code: 'conflict',
      retryAfterSeconds: 1,
    })
    now = new Date('2026-11-23T08:01:00Z')
    const answer = await Idempotency.once(ctx, { key: 'key', request }, run)
    expect([...made]).toEqual([answer.id])
  })

  test('while other processes keep changing its record: a conflict after a few attempts', async () => {
    const runtime = memoryRuntime()
    let attempts = 0
    runtime.tables.idempotency.replace = async () => {
      attempts++
      throw new Fault('conflict', 'changed')
    }
    const { run, runs } = effect()
    await expect(Idempotency.once(testContext(runtime), { key: 'key', request }, run)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('still running'),
    })
    expect([attempts, runs()]).toEqual([5, 0])
  })

  test('after a fault: may be retried', async () => {
    const ctx = testContext(memoryRuntime())
    const failing = async (): Promise<never> => {
      throw new Fault('unavailable', 'no')
    }
    await expect(Idempotency.once(ctx, { key: 'key', request }, failing)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(Idempotency.once(ctx, { key: 'key', request }, effect().run)).resolves.toHaveProperty('id')
  })

  test('a day later stands for a new request', async () => {
    let now = new Date('2026-11-23T08:00:00Z')
    const ctx = testContext(memoryRuntime(), { now: () => now })
    const { run, made } = effect()
    await Idempotency.once(ctx, { key: 'key', request }, run)
    now = new Date('2026-11-24T08:00:02Z')
    await Idempotency.once(ctx, { key: 'key', request: { other: true } }, run)
    expect(made.size).toBe(2)
  })
})

test('a key belongs to its organization and caller', async () => {
  const ctx = testContext(memoryRuntime())
  const { run, made } = effect()
  await Idempotency.once(ctx, { key: 'key', request }, run)
  await Idempotency.once({ ...ctx, orgId: 'org_other' }, { key: 'key', request: { other: true } }, run)
  await Idempotency.once(
    { ...ctx, actor: { ...ctx.actor, id: 'other' } },
    { key: 'key', request: { other: true } },
    run,
  )
  expect(made.size).toBe(3)
})

test('anonymous callers share keys only within one network', async () => {
  const runtime = memoryRuntime()
  const { run, made } = effect()
  const ask = async (address: string | undefined, body: object) => {
    const actor = anonymous({ ...(address !== undefined && { address }), userAgent: `agent ${made.size}` })
    return await Idempotency.once(
      testContext(runtime, { orgId: noOrganization, actor }),
      { key: '1', request: body, isSecret: true },
      run,
    )
  }
  const first = await ask('192.0.2.1', { a: 1 })
  await ask('192.0.2.2', { b: 2 })
  await ask('2001:db8:0:1::1', { c: 3 })
  await ask(undefined, { d: 4 })
  expect(made.size).toBe(4)
  expect(await ask('192.0.2.1', { a: 1 })).toEqual(first)
  await ask('2001:db8:0:1::ffff', { c: 3 })
  expect(made.size).toBe(4)
  await expect(ask('192.0.2.1', { b: 2 })).rejects.toMatchObject({ code: 'invalid' })
  const ids = (await runtime.tables.idempotency.all(noOrganization)).map(({ id }) => id)
  for (const id of ids) expect(id).toMatch(/^anonymous-[0-9a-f]{64}\/1$/)
})

test('requests and answers with secrets are stored sealed and still repeated', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 12, unit: 'grapheme-ascii' }), fc.boolean(), async (text, isLarge) => {
      const runtime = memoryRuntime()
      const ctx = testContext(runtime)
      const secret = `canary-${text}`
      const answer = { key: secret, filler: isLarge ? 'x'.repeat(120_000) : '' }
      const first = await Idempotency.once(
        ctx,
        { key: 'key', request: { password: secret }, isSecret: true },
        async () => answer,
      )
      const again = await Idempotency.once(
        ctx,
        { key: 'key', request: { password: secret }, isSecret: true },
        async () => ({ key: 'other', filler: '' }),
      )
      expect(again).toEqual(first)
      const kept = JSON.stringify(await runtime.tables.idempotency.all(ctx.orgId))
      expect(kept).not.toContain(JSON.stringify(secret).slice(1, -1))
    }),
    { numRuns: 40 },
  )
})

describe('a large answer', () => {
  async function asked() {
    const clock = { now: new Date('2026-11-23T08:00:00Z') }
    const runtime = memoryRuntime()
    const ctx = testContext(runtime, { now: () => clock.now })
    const ask = async (key: string, letter: string) =>
      await Idempotency.once(ctx, { key, request }, async () => await Promise.resolve(letter.repeat(200_000)))
    const kept = async () => (await runtime.blobs.list(ctx.orgId, 'answers/')).length
    return { ctx, clock, ask, kept }
  }

  test('is kept as long as its key and then deleted', async () => {
    const { ctx, clock, ask, kept } = await asked()
    await ask('a', 'x')
    clock.now = new Date('2026-11-24T07:00:00Z')
    await ask('b', 'y')
    await Idempotency.sweep(ctx)
    expect([await ask('a', 'z'), await ask('b', 'z'), await kept()]).toEqual([
      'x'.repeat(200_000),
      'y'.repeat(200_000),
      2,
    ])
    clock.now = new Date('2026-11-24T08:00:01Z')
    await Idempotency.sweep(ctx)
    expect([await kept(), await ask('b', 'z')]).toEqual([1, 'y'.repeat(200_000)])
    // DynamoDB forgets the record some time after.
    for (const { id } of await ctx.runtime.tables.idempotency.all(ctx.orgId))
      await ctx.runtime.tables.idempotency.remove(ctx.orgId, id)
    await Idempotency.sweep(ctx)
    expect(await kept()).toBe(0)
  })

  test('written during a sweep stays', async () => {
    const { ctx, clock, ask, kept } = await asked()
    await ask('a', 'x')
    clock.now = new Date('2026-11-24T08:00:01Z')
    const { idempotency } = ctx.runtime.tables
    const list: typeof idempotency.list = async (...page) => {
      const found = await idempotency.list(...page)
      await ask('a', 'y')
      return found
    }
    await Idempotency.sweep(
      over(ctx, { ...ctx.runtime, tables: replacing(ctx.runtime.tables, { idempotency: { ...idempotency, list } }) }),
    )
    expect([await kept(), await ask('a', 'z')]).toEqual([1, 'y'.repeat(200_000)])
  })
})
