import { describe, expect, test } from 'vitest'
import * as Audit from './audit.ts'
import * as AuditLog from './audit-log.ts'
import { memoryRuntime, testContext } from './testing.ts'

async function log() {
  const runtime = memoryRuntime()
  const rows = [
    ['users.change-role', 'usr_1', 'user', 'usr_9', 'success'],
    ['users.deactivate', 'usr_1', 'user', 'usr_8', 'success'],
    ['users.change-role', 'key_2', 'user', 'usr_9', 'denied'],
    ['budgets.create', 'usr_1', 'budget', 'bud_1', 'failed'],
  ] as const
  for (const [hour, [action, actorId, resourceType, resourceId, result]] of rows.entries()) {
    const actor = { kind: 'user' as const, id: actorId, permissions: new Set<never>() }
    const ctx = testContext(runtime, { actor, now: () => new Date(Date.UTC(2026, 10, 23, hour)) })
    await Audit.append(ctx, { action, result, resourceType, resourceId })
  }
  return testContext(runtime)
}

describe('the audit log', () => {
  test.each([
    [{}, [4, 3, 2, 1]],
    [{ action: 'users.change-role' }, [3, 1]],
    [{ action: 'users.*' }, [3, 2, 1]],
    [{ action: 'users' }, []],
    [{ actorId: 'key_2' }, [3]],
    [{ resourceType: 'budget' }, [4]],
    [{ resourceId: 'usr_9' }, [3, 1]],
    [{ result: 'success' }, [2, 1]],
    [{ from: '2026-11-23T01:00:00Z' }, [4, 3, 2]],
    [{ until: '2026-11-23T01:00:00Z' }, [1]],
    [{ from: '2026-11-23T02:00:00+01:00', until: '2026-11-23T03:00:00+01:00' }, [2]],
    [{ page: 2, pageSize: 3 }, [1]],
  ] as const)('answers %j with the entries %j, the newest first', async (input, sequences) => {
    const { entries } = await AuditLog.list(await log(), input)
    expect(entries.map(({ sequence }) => sequence)).toEqual(sequences)
  })

  test('is for those who may read it, of their own organisation', async () => {
    const ctx = await log()
    const cfo = { kind: 'user' as const, id: 'usr_1', permissions: new Set<never>() }
    await expect(AuditLog.list({ ...ctx, actor: cfo }, {})).rejects.toMatchObject({ code: 'forbidden' })
    await expect(AuditLog.verification({ ...ctx, actor: cfo }, {})).rejects.toMatchObject({ code: 'forbidden' })
    expect((await AuditLog.list({ ...ctx, orgId: 'org_other' }, {})).entries).toEqual([])
  })

  test('says where it was tampered with', async () => {
    const ctx = await log()
    expect(await AuditLog.verification(ctx, {})).toMatchObject({ intact: true, entries: 4, firstBroken: null })
    const { audit } = ctx.runtime.tables
    const second = (await audit.all(ctx.orgId))[1]
    if (second) await audit.put(ctx.orgId, { ...second, actorId: 'usr_2' })
    expect(await AuditLog.verification(ctx, {})).toMatchObject({ intact: false, firstBroken: 2 })
  })
})
