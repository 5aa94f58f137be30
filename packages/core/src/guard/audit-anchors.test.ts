import { describe, expect, test } from 'vitest'
import { noOrganization } from '../effects/context.ts'
import * as Anchor from '../pipeline/anchor.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'
import { eachTable, wrapped } from '../testing/processes.ts'
import * as Audit from './audit.ts'
import * as AuditLog from './audit-log.ts'

async function log(entries: number) {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime)
  await runtime.tables.organizationIndex.put(noOrganization, { id: ctx.orgId })
  const append = async (count: number) => {
    for (let n = 0; n < count; n++) await Audit.append(ctx, { action: `things.do-${n}`, result: 'success' })
  }
  await append(entries)
  const cut = async (from: number) => {
    for (const { id, sequence } of await runtime.tables.audit.all(ctx.orgId))
      if (sequence >= from) await runtime.tables.audit.remove(ctx.orgId, id)
  }
  const verify = async () => await AuditLog.verification(over(ctx, { ...runtime }), {})
  return { runtime, ctx, append, cut, verify }
}

describe('the anchors of an audit log', () => {
  test('tell that its last entries were removed', async () => {
    const { ctx, cut, verify } = await log(5)
    await Anchor.run({ ...ctx, orgId: noOrganization }, () => false)
    expect(await verify()).toMatchObject({ intact: true, entries: 5, anchored: 5, problem: null })
    await cut(4)
    const problem = expect.stringContaining('The log ends with entry 3, but had entry 5')
    expect(await verify()).toMatchObject({ intact: false, entries: 3, firstBroken: 4, anchored: 5, problem })
  })

  test('tell that its end was removed and other entries were appended', async () => {
    const { runtime, cut, verify } = await log(5)
    await verify()
    await cut(4)
    // The process that appends has not seen the removed entries.
    const fresh = testContext({ ...runtime })
    for (let n = 0; n < 4; n++) await Audit.append(fresh, { action: `things.forge-${n}`, result: 'success' })
    await Anchor.run({ ...fresh, orgId: noOrganization }, () => false)
    const problem = expect.stringContaining('Entry 5 is not the one that the log had')
    expect(await verify()).toMatchObject({ intact: false, entries: 7, firstBroken: 5, problem })
  })

  test('are written at the end of a verification of an intact log, and not of a broken one', async () => {
    const { runtime, ctx, append, verify } = await log(2)
    const anchors = async () => await Array.fromAsync(await runtime.anchors.list(ctx.orgId))
    for (let n = 0; n < 2; n++) expect(await verify()).toMatchObject({ intact: true })
    expect(await anchors()).toMatchObject([{ sequence: 2 }])
    await append(1)
    const [first] = await runtime.tables.audit.all(ctx.orgId)
    if (first) await runtime.tables.audit.put(ctx.orgId, { ...first, actorId: 'somebody else' })
    expect(await verify()).toMatchObject({ intact: false, firstBroken: 1, anchored: 2 })
    expect(await anchors()).toMatchObject([{ sequence: 2 }])
  })

  test('raise no alarm over entries that are appended and anchored during a verification', async () => {
    const { runtime, ctx, append } = await log(2)
    let isLate = false
    const tables = eachTable(runtime.tables, (table, noun) =>
      wrapped(table, async (verb, call) => {
        const result = await call()
        if (noun === 'audit' && verb === 'list' && !isLate) {
          isLate = true
          await append(1)
          await Anchor.run(testContext(runtime, { orgId: noOrganization }), () => false)
        }
        return result
      }),
    )
    expect(await AuditLog.verification(over(ctx, { ...runtime, tables }), {})).toMatchObject({ intact: true })
  })

  test('of one organization that fail do not stop those of the others', async () => {
    const { runtime, ctx } = await log(1)
    await runtime.tables.organizationIndex.put(noOrganization, { id: 'org_a' })
    const tables = eachTable(runtime.tables, (table, noun) =>
      wrapped(table, async (_, call, [orgId]) => {
        if (noun === 'audit' && orgId === 'org_a') throw new Error('broken')
        return await call()
      }),
    )
    const all = testContext({ ...runtime, tables }, { orgId: noOrganization })
    await expect(Anchor.run(all, () => false)).rejects.toThrow('1 audit chains')
    expect(await Array.fromAsync(await runtime.anchors.list(ctx.orgId))).toHaveLength(1)
  })
})
