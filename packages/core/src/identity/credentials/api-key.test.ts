import * as Members from '../people/members.ts'
import { describe, expect, test } from 'vitest'
import * as Organization from '../../organization/organization.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import { eachTable, processes, wrapped } from '../../testing/processes.ts'
import { over } from '../../testing/runtime.ts'
import * as ApiKey from './api-key.ts'
import * as Sessions from './sessions.ts'
import { refusal, world } from '../../testing/identity.ts'

const day = 24 * 3600

async function withKey(
  permissions: Parameters<typeof ApiKey.create>[1]['permissions'] = ['read:costs', 'write:budgets'],
) {
  const at = world()
  const ada = await at.found()
  const made = await ApiKey.create(ada.ctx, { name: 'machine', permissions })
  return { ...at, ada, made }
}

describe('an API key', () => {
  test('acts for its organization with its own permissions only', async () => {
    const { made, as, ada } = await withKey()
    const ctx = await as(made.key)
    expect(made.key).toMatch(/^co_/)
    expect(ctx).toMatchObject({ orgId: ada.orgId, actor: { kind: 'key', id: made.id } })
    expect([...ctx.actor.permissions].toSorted()).toEqual(['read:costs', 'write:budgets'])
    expect(ctx.actor).not.toHaveProperty('sessionId')
    await expect(Organization.update(ctx, { name: 'x' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(Sessions.endOthers(ctx, {})).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('is revoked by four calls of the tables: read, write, audit entry, mark of the trace', async () => {
    const { ada, made, runtime } = await withKey()
    const calls: string[] = []
    const tables = eachTable(runtime.tables, (table, noun) =>
      wrapped(table, async (verb, call) => (calls.push(`${noun}.${verb}`), await call())),
    )
    const ctx = over(ada.ctx, { ...runtime, tables })
    await ApiKey.create(ctx, { name: 'another', permissions: ['read:costs'] })
    calls.length = 0
    await ApiKey.revoke(ctx, { id: made.id })
    expect(calls).toEqual(['apiKeys.get', 'apiKeys.put', 'audit.insert', 'apiKeys.acknowledge'])
  })

  test("has at most its owner's permissions, never write:identity", async () => {
    const { ada, made, as } = await withKey()
    await expect(ApiKey.create(ada.ctx, { name: 'x', permissions: ['write:identity'] })).rejects.toMatchObject({
      code: 'invalid',
    })
    const weaker = {
      ...ada.ctx,
      actor: { ...ada.ctx.actor, permissions: new Set(['write:identity', 'read:costs'] as const) },
    }
    await expect(ApiKey.create(weaker, { name: 'x', permissions: ['read:costs', 'read:users'] })).rejects.toMatchObject(
      {
        code: 'invalid',
        complaints: [{ message: 'cannot have read:users' }],
      },
    )
    await expect(ApiKey.create(await as(made.key), { name: 'x', permissions: ['read:costs'] })).rejects.toMatchObject({
      code: 'forbidden',
    })
    const grabbing = { ...(await as(made.key)), actor: { ...ada.ctx.actor, kind: 'key' as const } }
    await expect(ApiKey.create(grabbing, { name: 'x', permissions: ['read:costs'] })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test("is limited to its owner's current permissions", async () => {
    const { ada, made, as, join } = await withKey()
    const eve = await join(ada, 'admin')
    await Members.changeRole(eve.ctx, { id: ada.userId, role: 'viewer' })
    expect([...(await as(made.key)).actor.permissions]).toEqual(['read:costs'])
    await Members.deactivate(eve.ctx, { id: ada.userId })
    await expect(as(made.key)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('expires', async () => {
    const { made, as, pass, ada } = await withKey()
    pass(90 * day - 1)
    await expect(as(made.key)).resolves.toMatchObject({ actor: { kind: 'key', id: made.id } })
    pass(1)
    await expect(as(made.key)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect((await ApiKey.list(ada.ctx, {})).apiKeys).toMatchObject([{ status: 'expired' }])
    await expect(
      ApiKey.create(ada.ctx, { name: 'x', permissions: ['read:costs'], expiresInDays: 366 }),
    ).rejects.toMatchObject({ code: 'invalid' })
  })

  test('stays revoked, also if used concurrently', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const { made, as, ada, runtime } = await withKey()
      const [using] = processes(1, runtime, seed)
      await Promise.all([refusal(as(made.key, using)), ApiKey.revoke(ada.ctx, { id: made.id })])
      await expect(as(made.key)).rejects.toMatchObject({ code: 'unauthenticated' })
      await ApiKey.revoke(ada.ctx, { id: made.id })
      expect((await ApiKey.list(ada.ctx, {})).apiKeys).toMatchObject([{ status: 'revoked' }])
    }
  })

  test('shows its last use to within an hour', async () => {
    const { made, as, ada, pass, now } = await withKey()
    const used = async () => (await ApiKey.list(ada.ctx, {})).apiKeys[0]?.lastUsedAt
    expect(await used()).toBeNull()
    await as(made.key)
    const first = now().toISOString()
    pass(3599)
    await as(made.key)
    expect(await used()).toBe(first)
    pass(1)
    await as(made.key)
    expect(await used()).toBe(now().toISOString())
  })

  test('is shown once and stored as a hash', async () => {
    const { made, ada, runtime } = await withKey()
    const kept = JSON.stringify([
      await runtime.tables.apiKeys.all(ada.orgId),
      await runtime.tables.audit.all(ada.orgId),
    ])
    expect(kept).not.toContain(made.key.split('.')[1])
    expect(JSON.stringify(await ApiKey.list(ada.ctx, {}))).not.toMatch(/hash|\bco_/)
  })

  test('with any changed character is refused', async () => {
    const { made, as, found } = await withKey()
    const other = await ApiKey.create((await found('eve@example.com', 'Other')).ctx, {
      name: 'x',
      permissions: ['read:costs'],
    })
    const [head, value] = made.key.split('.') as [string, string]
    const last = value.length - 1
    const tampered = Array.from(
      value,
      (letter, i) => `${head}.${value.slice(0, i)}${letter === 'A' ? 'B' : 'A'}${value.slice(i + 1)}`,
    )
    const mixed = [
      `${other.key.split('.')[0]}.${value}`,
      `${head}.${other.key.split('.')[1]}`,
      `${head}.${value.slice(0, last)}`,
      `${head}.`,
      head,
      `${made.key}A`,
    ]
    for (const key of [...tampered, ...mixed]) await expect(as(key)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('of another organization is not found', async () => {
    const { made, found, as } = await withKey()
    const eve = await found('eve@example.com', 'Other')
    await expect(ApiKey.revoke(eve.ctx, { id: made.id })).rejects.toMatchObject({ code: 'not_found' })
    expect((await ApiKey.list(eve.ctx, {})).apiKeys).toEqual([])
    await expect(as(made.key)).resolves.toMatchObject({ actor: { kind: 'key', id: made.id } })
  })

  test('is created by admins only', async () => {
    const { ada, join } = await withKey()
    const cfo = await join(ada, 'cfo')
    expect(permissionsOf('cfo').has('write:identity')).toBe(false)
    await expect(ApiKey.create(cfo.ctx, { name: 'x', permissions: ['read:costs'] })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})
