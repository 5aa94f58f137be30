import { noOrganization } from '../effects/context.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import * as Actor from '../kernel/actor.ts'
import * as Audit from './audit.ts'
import * as AuditLog from './audit-log.ts'
import { change, command } from './command.ts'
import { Fault } from '../kernel/fault.ts'
import { tableOf } from '../effects/tables.ts'
import { deadBefore, eachTable, processes, wrapped } from '../testing/processes.ts'
import { type MemoryRuntime, memoryRuntime, testContext } from '../testing/runtime.ts'

async function chain(length: number): Promise<Audit.Info[]> {
  const ctx = testContext(memoryRuntime())
  for (let n = 0; n < length; n++)
    await Audit.append(ctx, { action: `thing.change-${n % 3}`, result: 'success', before: { n }, after: { n: n + 1 } })
  return await ctx.runtime.tables.audit.all(ctx.orgId)
}

describe('the chain', () => {
  const chains = new Map<number, Promise<Audit.Info[]>>()
  const chainOf = async (length: number) =>
    structuredClone(await (chains.get(length) ?? chains.set(length, chain(length)).get(length)))
  const spot = fc.record({ length: fc.integer({ min: 2, max: 12 }), at: fc.nat(), to: fc.nat() })

  test('is whole as it was written', async () => {
    for (let length = 0; length < 13; length++)
      expect(Audit.verify((await chainOf(length)) ?? [])).toMatchObject({ intact: true, entries: length })
  })

  test('shows any change of any field', async () => {
    const fields = [
      'id',
      'at',
      'action',
      'result',
      'actorKind',
      'actorId',
      'requestId',
      'previousHash',
      'hash',
      'detail',
      'before',
      'sequence',
    ] as const
    await fc.assert(
      fc.asyncProperty(spot, fc.constantFrom(...fields), async ({ length, at }, field) => {
        const entries = (await chainOf(length)) ?? []
        const other = { [field]: field === 'before' ? { n: -1 } : 'changed' }
        const changed = entries.map((entry, i) => (i === at % length ? Object.assign(entry, other) : entry))
        expect(Audit.verify(changed)).toMatchObject({ intact: false, firstBroken: (at % length) + 1 })
      }),
    )
  })

  test('shows a change that is hashed again, by the entry after it', async () => {
    const entries = (await chainOf(5)) ?? []
    const forged = entries
      .map((entry, i) => (i === 2 ? { ...entry, actorId: 'somebody else' } : entry))
      .map((entry, i) => (i === 2 ? { ...entry, hash: Audit.hashOf(entry) } : entry))
    expect(Audit.verify(forged)).toMatchObject({ intact: false, firstBroken: 4 })
  })

  test('shows a number that does not follow, also where it is hashed again', async () => {
    const [entry] = await chain(1)
    const forged = Object.assign({}, entry, { sequence: 2, id: '000000000002' })
    expect(Audit.verify([{ ...forged, hash: Audit.hashOf(forged) }])).toMatchObject({ intact: false, firstBroken: 1 })
  })

  test('shows a removal that is not at the end, and the head tells one at the end', async () => {
    await fc.assert(
      fc.asyncProperty(spot, async ({ length, at }) => {
        const entries = (await chainOf(length)) ?? []
        expect(Audit.verify(entries.toSpliced(at % (length - 1), 1)).intact).toBe(false)
        expect(Audit.verify(entries.slice(0, -1)).headHash).not.toBe(Audit.verify(entries).headHash)
      }),
    )
  })

  test('shows another order, and an entry that was put in between', async () => {
    await fc.assert(
      fc.asyncProperty(spot, async ({ length, at, to }) => {
        const entries = (await chainOf(length)) ?? []
        const [from, until] = [at % length, (at + 1 + (to % (length - 1))) % length]
        const swapped = entries.with(from, entries[until] as Audit.Info).with(until, entries[from] as Audit.Info)
        const inserted = entries.toSpliced(from, 0, entries[until] as Audit.Info)
        expect([Audit.verify(swapped).intact, Audit.verify(inserted).intact]).toEqual([false, false])
      }),
    )
  })

  test('takes entries of several processes at once, loses none, and numbers them without gaps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const runtime = memoryRuntime()
        const contexts = processes(4, runtime, seed).map((at) => testContext(at))
        const actions = Array.from({ length: 24 }, (_, n) => `thing.change-${n}`)
        await Promise.all(
          actions.map(
            async (action, n) =>
              await Audit.append(contexts[n % 4] ?? testContext(runtime), { action, result: 'success' }),
          ),
        )
        const entries = await runtime.tables.audit.all('org_test')
        expect(entries.map(({ action }) => action).toSorted()).toEqual(actions.toSorted())
        expect(Audit.verify(entries)).toMatchObject({ intact: true, entries: 24 })
      }),
      { numRuns: 20 },
    )
  })

  test('is one for each organization', async () => {
    const ctx = testContext(memoryRuntime())
    const other = { ...ctx, orgId: 'org_other' }
    for (const at of [ctx, other, ctx]) await Audit.append(at, { action: 'thing.change', result: 'success' })
    expect(await Promise.all([ctx, other].map(async (at) => await AuditLog.verification(at, {})))).toMatchObject([
      { entries: 2 },
      { entries: 1 },
    ])
  })
})

const Thing = z.strictObject({ name: z.string() })
const rename = change('things.rename', Thing, 'write:settings', async (ctx, { name }, note) => {
  note({ resourceType: 'thing', resourceId: 'thing_1', before: { name: 'old' } })
  if (name === 'taken') throw new Fault('conflict', 'taken')
  if (name === 'crash') throw new Error('a fault of ours')
  if (name === 'not yours') throw new Fault('forbidden', 'no')
  const things = tableOf(ctx.tables, 'things')
  for (const id of ['thing_1', 'thing_2']) await things.put(ctx.orgId, { id, name } as { id: string })
  if (name === 'taken late') throw new Fault('conflict', 'taken')
  note({ after: { name } })
  return name
})
const read = command('things.get', z.strictObject({}), 'read:audit', async () => 'thing')

const user: Actor.Actor = {
  kind: 'user',
  id: 'usr_1',
  permissions: new Set(['write:settings']),
  address: '192.0.2.7',
  userAgent: 'browser',
}
const from = {
  actorKind: 'user',
  actorId: 'usr_1',
  ipAddress: '192.0.2.7',
  userAgent: 'browser',
  requestId: 'req_test',
}

const at = Date.parse('2026-11-23T08:00:00Z')
const far = '2030-01-01T00:00:00.000Z'
const pending = async ({ outbox }: MemoryRuntime) => await Array.fromAsync(outbox.pending(far))

describe('the audit log', () => {
  const entriesOf = async (runtime = memoryRuntime(), actor = user, name = 'new') => {
    const ctx = testContext(runtime, { actor })
    await rename(ctx, { name }).catch(() => undefined)
    expect(await pending(runtime)).toEqual([])
    return await runtime.tables.audit.all(ctx.orgId)
  }

  test('has an entry of a change: actor, action, address, before and after', async () => {
    const change = {
      action: 'things.rename',
      result: 'success',
      resourceType: 'thing',
      resourceId: 'thing_1',
      before: { name: 'old' },
      after: { name: 'new' },
    }
    expect(await entriesOf()).toMatchObject([
      { ...from, ...change, at: '2026-11-23T08:00:00.000Z', id: '000000000001' },
    ])
  })

  test('has an entry of each denied command, also if denied midway', async () => {
    const runtime = memoryRuntime()
    await expect(read(testContext(runtime, { actor: user }), {})).rejects.toMatchObject({ code: 'forbidden' })
    await entriesOf(runtime, { ...user, permissions: new Set() })
    const denied = await entriesOf(runtime, user, 'not yours')
    expect(denied).toMatchObject([
      { ...from, action: 'things.get', result: 'denied', detail: 'lacks read:audit' },
      { ...from, action: 'things.rename', result: 'denied', detail: 'lacks write:settings' },
      { ...from, action: 'things.rename', result: 'denied', resourceId: 'thing_1' },
    ])
  })

  test('has an entry of an internal error, none of refused input', async () => {
    expect(await entriesOf(memoryRuntime(), user, 'crash')).toMatchObject([{ result: 'failed', resourceId: 'thing_1' }])
    expect(await entriesOf(memoryRuntime(), user, 'taken')).toEqual([])
  })

  test('has no entry without an organization', async () => {
    const ctx = testContext(memoryRuntime(), { orgId: noOrganization, actor: Actor.anonymous() })
    await expect(rename(ctx, { name: 'new' })).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(await ctx.runtime.tables.audit.all(noOrganization)).toEqual([])
  })

  test('has an entry of a change that was refused after a write', async () => {
    expect(await entriesOf(memoryRuntime(), user, 'taken late')).toMatchObject([{ ...from, result: 'failed' }])
  })

  test('has one entry of an action that takes longer than the sweep waits', async () => {
    const runtime = memoryRuntime()
    let minutes = 0
    const ctx = testContext(runtime, { actor: user, now: () => new Date(at + minutes * 60_000) })
    const slow = change('things.rename-slowly', z.strictObject({}), 'write:settings', async ({ tables }) => {
      await tableOf(tables, 'things').put(ctx.orgId, { id: 'thing_1' })
      minutes = 6
      await Audit.closeTraces(testContext(runtime, { now: ctx.now }))
    })
    await slow(ctx, {})
    expect(await runtime.tables.audit.all(ctx.orgId)).toMatchObject([{ result: 'unknown' }])
    expect(await pending(runtime)).toEqual([])
    await rename(ctx, { name: 'new' })
    expect(await runtime.tables.audit.all(ctx.orgId)).toMatchObject([{ result: 'unknown' }, { result: 'success' }])
  })

  test('has one entry for a change, even if its trace cannot be acknowledged', async () => {
    const runtime = memoryRuntime()
    const things = tableOf(runtime.tables, 'things')
    const { acknowledge } = things
    things.acknowledge = async () => {
      throw new Fault('unavailable', 'down')
    }
    const ctx = testContext(runtime, { actor: user })
    expect(await rename(ctx, { name: 'new' })).toBe('new')
    expect(await pending(runtime)).toHaveLength(1)
    things.acknowledge = acknowledge
    await Audit.closeTraces({ ...ctx, now: () => new Date('2026-11-23T09:00:00Z') })
    expect(await pending(runtime)).toEqual([])
    expect(await runtime.tables.audit.all(ctx.orgId)).toMatchObject([{ result: 'success' }])
  })

  test('by three calls of the tables beside those of the change, and two once the end of the chain is known', async () => {
    const runtime = memoryRuntime()
    const calls: string[] = []
    const tables = eachTable(runtime.tables, (table, noun) =>
      wrapped(table, async (verb, call) => (calls.push(`${noun}.${verb}`), await call())),
    )
    const ctx = testContext({ ...runtime, tables }, { actor: user })
    const puts = ['things.put', 'things.put']
    await rename(ctx, { name: 'new' })
    expect(calls.splice(0)).toEqual([...puts, 'audit.list', 'audit.insert', 'things.acknowledge'])
    await rename(ctx, { name: 'newer' })
    expect(calls).toEqual([...puts, 'audit.insert', 'things.acknowledge'])
  })
})

describe('a process killed midway', () => {
  async function abandoned() {
    const runtime = memoryRuntime()
    void rename(
      testContext(
        { ...runtime, tables: deadBefore(runtime.tables, (noun) => noun === 'audit') },
        { actor: { ...user, address: '192.0.2.7' } },
      ),
      {
        name: 'new',
      },
    )
    while ((await pending(runtime)).length === 0) await Promise.resolve()
    return runtime
  }
  const later = (minutes: number) => ({ now: () => new Date(Date.parse('2026-11-23T08:00:00Z') + minutes * 60_000) })
  const admin: Actor.Actor = {
    kind: 'user',
    id: 'usr_admin',
    permissions: new Set(['read:audit']),
    address: '198.51.100.1',
    userAgent: 'other',
  }

  test('leaves one entry with result unknown and the original actor', async () => {
    const runtime = await abandoned()
    expect((await AuditLog.list(testContext(runtime, { actor: admin, ...later(4) }), {})).entries).toEqual([])
    for (let n = 0; n < 3; n++) {
      const { entries } = await AuditLog.list(testContext(runtime, { actor: admin, ...later(6 + n) }), {})
      expect(entries).toMatchObject([{ ...from, action: 'things.rename', result: 'unknown' }])
    }
  })

  test('leaves one entry even if several processes close its trace concurrently', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const runtime = await abandoned()
        const lookers = processes(3, runtime, seed).map((at) => testContext(at, { actor: admin, ...later(6) }))
        await Promise.all(lookers.map(async (ctx) => await AuditLog.list(ctx, {})))
        expect(await runtime.tables.audit.all('org_test')).toHaveLength(1)
      }),
      { numRuns: 20 },
    )
  })

  test('leaves no address of the process that closes its trace', async () => {
    const runtime = memoryRuntime()
    void rename(testContext({ ...runtime, tables: deadBefore(runtime.tables, (noun) => noun === 'audit') }), {
      name: 'new',
    })
    while ((await pending(runtime)).length === 0) await Promise.resolve()
    const { entries } = await AuditLog.list(testContext(runtime, { actor: admin, ...later(6) }), {})
    expect(entries[0]).toMatchObject({ actorKind: 'system', result: 'unknown' })
    expect(entries[0]).not.toHaveProperty('ipAddress')
  })
})
