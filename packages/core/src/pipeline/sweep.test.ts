import { traceName } from '../kernel/event.ts'
import { tableOf, type Tables } from '../effects/tables.ts'
import { describe, expect, test } from 'vitest'
import { type Context, noOrganization } from '../effects/context.ts'
import * as Idempotency from '../guard/idempotency.ts'
import * as Import from '../bills/import.ts'
import * as Raw from '../bills/raw.ts'
import * as Sweep from './sweep.ts'
import { eachTable, killedAt, watched, wrapped } from '../testing/processes.ts'
import { memoryRuntime, testContext, over } from '../testing/runtime.ts'

const organizations = ['org_a', 'org_b', 'org_c']
const twoDaysLater = () => new Date('2026-11-25T08:00:00Z')

/** Organizations of which each has a delivery that was never uploaded whole, one that the pipeline never heard of, and an action whose process ended. */
async function neglected() {
  const runtime = memoryRuntime()
  for (const orgId of organizations) {
    await runtime.tables.organizationIndex.put(noOrganization, { id: orgId })
    const ctx = testContext(runtime, { orgId })
    const { id } = await Import.create(ctx, { files: [{ name: 'half', bytes: Raw.partBytes + 1 }] }, 'imp_half')
    await runtime.blobs.put(orgId, Raw.partKey(id, 0, 0), new Uint8Array(3))
    const lost = await Import.create(ctx, { files: [{ name: 'lost', bytes: 1 }] }, `imp_lost_${orgId}`)
    await runtime.tables.imports.put(orgId, { ...lost, status: 'running' })
    const large = async () => await Promise.resolve('x'.repeat(200_000))
    await Idempotency.once(ctx, { key: 'key', request: {} }, large)
    const draft = {
      action: 'things.rename',
      result: 'unknown',
      actorKind: 'user',
      actorId: 'usr_1',
      requestId: 'req_1',
    } as const
    const trace = { id: `int_${orgId}`, name: traceName, orgId, at: ctx.now().toISOString(), data: draft }
    await tableOf(runtime.tables, 'things').insert(orgId, { id: 'thing_1' }, [trace])
  }
  const logged: unknown[] = []
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, fields = {}) => void logged.push([message, fields]),
  }
  return { runtime, logged, ctx: testContext(runtime, { orgId: noOrganization, now: twoDaysLater, log }) }
}

/** The tables whose imports answer otherwise in one organization. */
function brokenIn(orgId: string, tables: Tables, answer: () => Promise<never>): Tables {
  return eachTable(tables, (table, noun) =>
    wrapped(table, async (_, call, [of]) => await (noun === 'imports' && of === orgId ? answer() : call())),
  )
}

/** Which organizations are as they should be. */
async function swept({ runtime }: Pick<Context, 'runtime'>): Promise<string[]> {
  const { tables, blobs, outbox } = runtime
  const clean = await Promise.all(
    organizations.map(async (orgId) => {
      const [imports, bytes, pending, audit] = await Promise.all([
        tables.imports.all(orgId),
        blobs.list(orgId, ''),
        Array.fromAsync(outbox.pending('2030-01-01T00:00:00.000Z', orgId)),
        tables.audit.all(orgId),
      ])
      return imports.map(({ id }) => id).join() === `imp_lost_${orgId}` &&
        bytes.length === 0 &&
        pending.length === 0 &&
        audit.length === 1
        ? [orgId]
        : []
    }),
  )
  return clean.flat()
}

describe('a sweep', () => {
  test('finishes abandoned work in every organization, once', async () => {
    const { ctx, runtime } = await neglected()
    for (let n = 0; n < 2; n++) {
      expect(await Sweep.run(ctx)).toEqual({ swept: 3, left: 0 })
      expect(await swept(ctx)).toEqual(organizations)
    }
    expect(new Set(runtime.started.map(({ name }) => name))).toEqual(
      new Set(organizations.map((orgId) => `imp_lost_${orgId}`)),
    )
    expect(await runtime.tables.sweeps.all(noOrganization)).toEqual([])
  })

  test('that fails in one organization sweeps the others, logs it, and fails at the end', async () => {
    const { ctx, logged } = await neglected()
    const tables = brokenIn('org_a', ctx.runtime.tables, () => Promise.reject(new Error('broken')))
    await expect(Sweep.run(over(ctx, { ...ctx.runtime, tables }))).rejects.toThrow(
      '1 of 3 organizations could not be swept',
    )
    expect(logged).toEqual([['an organization could not be swept', { orgId: 'org_a', error: new Error('broken') }]])
    expect(await swept(ctx)).toEqual(['org_b', 'org_c'])
    await Sweep.run(ctx)
    expect(await swept(ctx)).toEqual(organizations)
  })

  test('that runs out of time continues where it stopped, then from the beginning', async () => {
    const { ctx, runtime } = await neglected()
    const forTwo = () => {
      let asked = 0
      return () => ++asked > 2
    }
    expect(await Sweep.run(ctx, forTwo())).toEqual({ swept: 2, left: 1 })
    expect(await swept(ctx)).toEqual(['org_a', 'org_b'])
    const order: string[] = []
    const tables = watched(
      runtime.tables,
      (noun, verb, orgId) => noun === 'things' && verb === 'acknowledge' && order.push(orgId),
    )
    expect(await Sweep.run(over(ctx, { ...runtime, tables }), forTwo())).toEqual({ swept: 2, left: 1 })
    expect(order).toEqual(['org_c'])
    expect(await swept(ctx)).toEqual(organizations)
    // It stopped behind the first: now it begins with the second.
    expect(await runtime.tables.sweeps.all(noOrganization)).toEqual([{ id: 'sweep', at: 'org_a' }])
    expect(await Sweep.run(ctx)).toEqual({ swept: 3, left: 0 })
    expect(await runtime.tables.sweeps.all(noOrganization)).toEqual([])
  })

  test('that is always killed in the same organization sweeps all others', async () => {
    const { ctx } = await neglected()
    const tables = brokenIn('org_a', ctx.runtime.tables, () => new Promise(() => undefined))
    void Sweep.run(over(ctx, { ...ctx.runtime, tables }))
    while ((await ctx.runtime.tables.sweeps.all(noOrganization)).length === 0) await Promise.resolve()
    void Sweep.run(over(ctx, { ...ctx.runtime, tables }))
    await expect.poll(async () => await swept(ctx)).toEqual(['org_b', 'org_c'])
  })

  test('that is killed at any write is completed by the next', async () => {
    for (let writes = 0, ended = false; !ended; writes++) {
      const { ctx, runtime } = await neglected()
      const left = { left: writes }
      const killed = {
        ...runtime,
        tables: eachTable(runtime.tables, (table) => killedAt(table, left)),
        blobs: killedAt(runtime.blobs, left),
      }
      ended = await Sweep.run(over(ctx, killed)).then(
        () => true,
        () => false,
      )
      await Sweep.run(ctx)
      expect({ writes, swept: await swept(ctx) }).toEqual({ writes, swept: organizations })
    }
  })
})
