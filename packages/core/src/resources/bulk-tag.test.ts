import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as CloudAccounts from '../accounts/cloud-accounts.ts'
import type { CloudAccount } from '../index.ts'
import type { ResourceRow } from '../effects/queries.ts'
import { Fault } from '../kernel/fault.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as BulkTag from './bulk-tag.ts'

const accountId = '6b1f7c1e-8d2a-4f0b-9c3d-2e4a5b6c7d8e'
const named = (name: string) => `/subscriptions/${accountId}/vm/${name}`

function rowOf(name: string, tags: Record<string, string>, more: Partial<ResourceRow> = {}): ResourceRow {
  const rest = { type: null, zone: null, createdAt: null, sizeGb: null, iops: null, attachedTo: null }
  const known = { name, status: 'running', configuration: '{}', takenAt: '2026-11-23T07:00:00.000Z', ...rest }
  const place = { provider: 'azure', accountId, kind: 'instance', region: 'westeurope' } as const
  return { id: named(name), aliases: JSON.stringify([name]), tags: JSON.stringify(tags), ...known, ...place, ...more }
}

type Held = Record<string, Record<string, string>>

/** An account with resources whose cloud holds these tags. */
async function worldOf(held: Held, { canAct = true, rows = [] as ResourceRow[] } = {}) {
  const all = [...Object.entries(held).map(([name, tags]) => rowOf(name, tags)), ...rows]
  const query = async (name: string) => (name === 'resources' ? all : [{ count: all.length }])
  const runtime = memoryRuntime(() => ({ query }))
  const calls = { retag: 0 }
  const refusals = new Map<string, string>()
  const nameOf = (id: string) => id.split('/').at(-1) ?? ''
  runtime.cloud.tags = async (_, resources) => resources.map(({ id }) => ({ id, tags: { ...held[nameOf(id)] } }))
  runtime.cloud.retag = async (_, changes) => {
    calls.retag++
    return changes.map(({ resource: { id }, set, remove }) => {
      const refusal = refusals.get(nameOf(id))
      if (refusal !== undefined) return { id, refusal }
      const kept = Object.entries(held[nameOf(id)] ?? {}).filter(([key]) => !(key in remove))
      held[nameOf(id)] = { ...Object.fromEntries(kept), ...set }
      return { id }
    })
  }
  let ids = 0
  const ctx = testContext(runtime, { newId: (prefix) => `${prefix}_${ids++}` })
  const credentials = { tenantId: accountId, clientId: accountId, clientSecret: 'read' }
  const account = await CloudAccounts.connectAzure(ctx, { subscriptionId: accountId, ...credentials })
  if (canAct) await CloudAccounts.allowActions(ctx, { id: account.id, clientId: 'actor', clientSecret: 'act' })
  return { ctx, runtime, account, held, calls, refusals }
}

const tag = async (
  { ctx }: Awaited<ReturnType<typeof worldOf>>,
  names: string[],
  tags: Record<string, string>,
  more: { overwrite?: boolean; dryRun?: boolean } = {},
) => await BulkTag.bulkTag(ctx, { resourceIds: names.map(named), tags, ...more })

describe('a bulk tag', () => {
  test('adds tags, and changes other values only with overwrite', async () => {
    const world = await worldOf({ a: {}, b: { team: 'blue' }, c: { team: 'red' } })
    const first = await tag(world, ['a', 'b', 'c'], { team: 'red' })
    expect(first).toMatchObject({ success: true, updatedCount: 1, failed: [], dryRun: false })
    expect(first.resources.map(({ state, skipped }) => [state, skipped])).toEqual([
      ['updated', []],
      ['unchanged', [{ key: 'team', value: 'blue' }]],
      ['unchanged', []],
    ])
    expect(world.held).toEqual({ a: { team: 'red' }, b: { team: 'blue' }, c: { team: 'red' } })
    expect(await tag(world, ['b'], { team: 'red', stage: 'live' }, { overwrite: true })).toMatchObject({
      updatedCount: 1,
      resources: [
        {
          state: 'updated',
          changes: [
            { key: 'team', before: 'blue', after: 'red' },
            { key: 'stage', before: null, after: 'live' },
          ],
        },
      ],
    })
    expect(world.held['b']).toEqual({ team: 'red', stage: 'live' })
  })

  test('as a dry run answers the same plan, and changes and stores nothing', async () => {
    const world = await worldOf({ a: {}, b: { team: 'blue' } })
    const plan = await tag(world, ['a', 'b'], { team: 'red' }, { overwrite: true, dryRun: true })
    expect(plan).toMatchObject({ id: null, dryRun: true, updatedCount: 2, resources: [{ state: 'planned' }, {}] })
    expect([world.calls.retag, world.held, await world.runtime.tables.bulkTags.all('org_test')]).toEqual([
      0,
      { a: {}, b: { team: 'blue' } },
      [],
    ])
    const done = await tag(world, ['a', 'b'], { team: 'red' }, { overwrite: true })
    expect(done.resources.map(({ changes }) => changes)).toEqual(plan.resources.map(({ changes }) => changes))
  })

  test('names each failure, and changes the rest', async () => {
    const world = await worldOf({ a: {}, b: {}, c: {} })
    world.refusals.set('b', 'It is locked.')
    expect(await tag(world, ['a', 'b', 'gone', 'c'], { team: 'red' })).toMatchObject({
      success: false,
      updatedCount: 2,
      failed: [
        { resourceId: named('b'), error: 'It is locked.' },
        { resourceId: named('gone'), error: expect.stringContaining('no such resource') },
      ],
    })
    expect(world.held).toEqual({ a: { team: 'red' }, b: {}, c: { team: 'red' } })
  })

  test('of an account without credentials for actions can only be planned, by its last inventory', async () => {
    const world = await worldOf({ a: { team: 'blue' } }, { canAct: false })
    const refused = { resourceId: named('a'), error: expect.stringContaining('can only be planned for') }
    expect(await tag(world, ['a'], { stage: 'live' })).toMatchObject({ success: false, failed: [refused] })
    expect(await tag(world, ['a'], { stage: 'live' }, { dryRun: true })).toMatchObject({
      success: true,
      updatedCount: 1,
      resources: [{ state: 'planned', canAct: false }],
    })
    expect([world.calls.retag, world.held['a']]).toEqual([0, { team: 'blue' }])
  })

  test('stops once the credentials for actions are deleted', async () => {
    const world = await worldOf({ a: {} })
    await CloudAccounts.forbidActions(world.ctx, { id: world.account.id })
    expect(await tag(world, ['a'], { stage: 'live' })).toMatchObject({ success: false, updatedCount: 0 })
    const stored = await world.runtime.tables.cloudAccounts.get('org_test', world.account.id)
    expect(stored).toMatchObject({ canAct: false } satisfies Partial<CloudAccount.Info>)
    expect(stored?.sealedToAct).toBeUndefined()
  })

  test('refuses a name of several resources, and takes a resource with two names once', async () => {
    const twin = rowOf('a', {}, { id: '/subscriptions/other/vm/a', accountId: 'other' })
    const world = await worldOf({ a: {} }, { rows: [twin] })
    const both = await BulkTag.bulkTag(world.ctx, { resourceIds: ['a'], tags: { x: 'y' } })
    expect(both.failed).toEqual([{ resourceId: 'a', error: expect.stringContaining('2 resources have this name') }])
    const single = await worldOf({ b: {} })
    const once = await BulkTag.bulkTag(single.ctx, { resourceIds: ['b', named('b').toUpperCase()], tags: { x: 'y' } })
    expect(once.resources).toHaveLength(1)
    expect(single.held['b']).toEqual({ x: 'y' })
  })

  test('leaves protected resources alone', async () => {
    const world = await worldOf({ a: { 'CloudOptima-Protected': 'true' }, b: { 'cloudoptima-protected': 'false' } })
    const done = await tag(world, ['a', 'b'], { team: 'red' })
    expect(done.failed).toEqual([{ resourceId: named('a'), error: expect.stringContaining('is protected') }])
    expect([world.held['a'], world.held['b']?.['team']]).toEqual([{ 'CloudOptima-Protected': 'true' }, 'red'])
    world.held['b'] = { team: 'red', 'cloudoptima-protected': 'true' }
    expect(await BulkTag.undo(world.ctx, { id: done.id ?? '' })).toMatchObject({
      failed: [{ resourceId: named('b'), error: expect.stringContaining('is protected') }],
    })
    expect(world.held['b']).toEqual({ team: 'red', 'cloudoptima-protected': 'true' })
  })

  test('checks the limits of the cloud before the call', async () => {
    const full = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'v']))
    const world = await worldOf({ full, a: { Team: 'blue' } })
    const refusalOf = async (name: string, tags: Record<string, string>) =>
      (await tag(world, [name], tags)).failed[0]?.error
    expect(await refusalOf('full', { more: 'v' })).toBe('It would have 51 tags, and Azure allows 50.')
    expect(await refusalOf('full', { k1: 'v' })).toBeUndefined()
    expect(await refusalOf('a', { 'a<b': 'v' })).toContain('does not allow the key a<b')
    expect(await refusalOf('a', { 'windows-x': 'v' })).toContain('reserves keys')
    expect(world.calls.retag).toBe(0)
    // Azure ignores the case of keys, and keeps the first spelling.
    await tag(world, ['a'], { team: 'red' }, { overwrite: true })
    expect(world.held['a']).toEqual({ Team: 'red' })
  })

  test.each([
    [{ tags: {} }],
    [{ tags: { 'cloudoptima:protected': 'false' } }],
    [{ tags: { 'cloudoptima-protected': 'false' } }],
    [{ tags: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`k${n}`, 'v'])) }],
    [{ resourceIds: [] }],
    [{ resourceIds: Array.from({ length: 51 }, (_, n) => `r${n}`) }],
  ])('refuses %j', async (given) => {
    const { ctx } = await worldOf({ a: {} })
    const input = { resourceIds: [named('a')], tags: { x: 'y' }, ...given }
    await expect(BulkTag.bulkTag(ctx, input as never)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('refuses those who may not write tags, and another organization finds nothing of it', async () => {
    const world = await worldOf({ a: {} })
    const viewer = { kind: 'user' as const, id: 'usr_2', permissions: new Set(['read:resources'] as const) }
    const input = { resourceIds: [named('a')], tags: { x: 'y' } }
    await expect(BulkTag.bulkTag({ ...world.ctx, actor: viewer }, input)).rejects.toMatchObject({ code: 'forbidden' })
    const { id } = await tag(world, ['a'], { x: 'y' })
    const other = { ...world.ctx, orgId: 'org_other' }
    await expect(BulkTag.get(other, { id: id ?? '' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(BulkTag.undo(other, { id: id ?? '' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('asks for the inventory again, and leaves an entry of the audit log', async () => {
    const world = await worldOf({ a: {} })
    const sourceId = `${world.account.id}/inventory`
    const source = { cloudAccountId: world.account.id, provider: 'azure', accountId, kind: 'inventory' } as const
    const idle = { everyMinutes: 60, dueAt: '2026-11-23T08:30:00.000Z', failures: 0, problems: [], deliveries: {} }
    await world.runtime.tables.sources.put('org_test', { id: sourceId, ...source, ...idle })
    await tag(world, ['a'], { x: 'y' })
    expect(world.runtime.sent).toMatchObject([{ queue: 'processing', data: { sourceId } }])
    const entries = await world.runtime.tables.audit.all('org_test')
    expect(entries.at(-1)).toMatchObject({ action: 'resources.bulk-tag', result: 'success', after: { updated: 1 } })
  })
})

describe('an interrupted bulk tag', () => {
  test.each([true, false])(
    'is undone by the tags of before that it stored; repeated before: %s',
    async (isRepeated) => {
      const world = await worldOf({ a: { team: 'blue' }, b: {} })
      const { bulkTags } = world.runtime.tables
      const repeated = { ...world.ctx, newId: (prefix: string) => `${prefix}_same` }
      const input = { resourceIds: [named('a'), named('b')], tags: { team: 'red' }, overwrite: true }
      const update = bulkTags.update.bind(bulkTags)
      bulkTags.update = () => Promise.reject(new Error('killed'))
      await expect(BulkTag.bulkTag(repeated, input)).rejects.toThrow('killed')
      bulkTags.update = update
      expect(world.held).toEqual({ a: { team: 'red' }, b: { team: 'red' } })
      if (isRepeated) expect(await BulkTag.bulkTag(repeated, input)).toMatchObject({ success: true, updatedCount: 2 })
      await BulkTag.undo(world.ctx, { id: 'tag_same' })
      expect(world.held).toEqual({ a: { team: 'blue' }, b: {} })
    },
  )

  test('whose cloud does not answer says that the outcome is unknown, and can be undone', async () => {
    const world = await worldOf({ a: { team: 'blue' } })
    const { retag } = world.runtime.cloud
    world.runtime.cloud.retag = async (...given) => {
      await retag?.(...given)
      throw new Fault('unavailable', 'Azure does not answer at the moment.')
    }
    const done = await tag(world, ['a'], { team: 'red' }, { overwrite: true })
    expect(done).toMatchObject({ success: false, updatedCount: 0, resources: [{ state: 'unknown' }] })
    if (retag) world.runtime.cloud.retag = retag
    expect(await BulkTag.undo(world.ctx, { id: done.id ?? '' })).toMatchObject({ success: true, restoredCount: 1 })
    expect(world.held['a']).toEqual({ team: 'blue' })
  })

  test.each([
    ['a part may be changed', [{ id: named('a'), refusal: 'No answer.', isPartly: true as const }]],
    ['nothing is answered', []],
  ])('one resource of which %s is unknown, and can be undone', async (_, answer) => {
    const world = await worldOf({ a: { team: 'blue' } })
    const { retag } = world.runtime.cloud
    world.runtime.cloud.retag = async (...given) => {
      await retag?.(...given)
      return answer
    }
    const done = await tag(world, ['a'], { team: 'red' }, { overwrite: true })
    expect(done.resources).toMatchObject([{ state: 'unknown' }])
    if (retag) world.runtime.cloud.retag = retag
    await BulkTag.undo(world.ctx, { id: done.id ?? '' })
    expect(world.held['a']).toEqual({ team: 'blue' })
  })
})

describe('the undo', () => {
  test('restores what is still as it was set, and names the rest, again and again', async () => {
    const world = await worldOf({ a: { team: 'blue' }, b: {}, c: {} })
    const { id } = await tag(world, ['a', 'b', 'c'], { team: 'red', stage: 'live' }, { overwrite: true })
    world.held['b'] = { team: 'green', stage: 'live', more: '1' }
    world.refusals.set('c', 'It is locked.')
    const undone = await BulkTag.undo(world.ctx, { id: id ?? '' })
    expect(undone).toMatchObject({
      success: false,
      restoredCount: 1,
      failed: [
        { resourceId: named('b'), error: 'Changed since by somebody else: team.' },
        { resourceId: named('c'), error: 'It is locked.' },
      ],
      resources: [
        { undo: { state: 'restored' } },
        { undo: { state: 'partial', kept: [{ key: 'team', value: 'green' }] } },
        { undo: { state: 'failed' } },
      ],
    })
    expect(world.held).toEqual({
      a: { team: 'blue' },
      b: { team: 'green', more: '1' },
      c: { team: 'red', stage: 'live' },
    })
    world.refusals.clear()
    world.held['a'] = { team: 'red' }
    expect(await BulkTag.undo(world.ctx, { id: id ?? '' })).toMatchObject({ restoredCount: 2 })
    // What was restored is not touched again.
    expect([world.held['a'], world.held['c']]).toEqual([{ team: 'red' }, {}])
    expect(await BulkTag.get(world.ctx, { id: id ?? '' })).toMatchObject({ tags: { team: 'red' }, overwrite: true })
  })

  test('of any tags on any resources gives the tags of before', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const tags = fc.dictionary(key, fc.constantFrom('1', '2'), { noNullPrototype: true })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ x: tags, y: tags }),
        tags.filter((some) => Object.keys(some).length > 0),
        fc.boolean(),
        async (held, given, overwrite) => {
          const before = structuredClone(held)
          const world = await worldOf(held)
          const { id } = await tag(world, ['x', 'y'], given, { overwrite })
          for (const [name, now] of Object.entries(world.held)) {
            const own = before[name as 'x' | 'y']
            expect(now).toEqual(overwrite ? { ...own, ...given } : { ...given, ...own })
          }
          await BulkTag.undo(world.ctx, { id: id ?? '' })
          expect(world.held).toEqual(before)
        },
      ),
      { numRuns: 60 },
    )
  })
})
