import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import { system } from '../kernel/actor.ts'
import * as Organization from './organization.ts'
import { processes } from '../testing/processes.ts'
import { memoryRuntime, testContext, over } from '../testing/runtime.ts'

async function organization(given: Partial<Context> = {}) {
  const ctx = testContext(memoryRuntime(), given)
  await ctx.runtime.tables.organizations.put(
    'org_test',
    Organization.founded('org_test', 'Example', 'usr_1', ctx.now()),
  )
  return ctx
}

describe('the settings of an organization', () => {
  test('are changed one by one, and the rest stays', async () => {
    const ctx = await organization()
    const before = await Organization.get(ctx, {})
    expect(await Organization.update(ctx, { name: '  Other ', currency: 'EUR' })).toEqual({
      ...before,
      name: 'Other',
      currency: 'EUR',
    })
    expect(await Organization.update(ctx, { currency: null })).toMatchObject({ name: 'Other', currency: null })
    expect(await Organization.update(ctx, {})).toMatchObject({ name: 'Other' })
  })

  test('include a tier that only the operator changes, and an entry of the audit log tells it', async () => {
    const ctx = await organization()
    const admin = { ...ctx, actor: { ...ctx.actor, kind: 'user' as const, id: 'usr_1' } }
    expect(await Organization.update(admin, { tier: 'free', name: 'Other' })).toMatchObject({ tier: 'free' })
    await expect(Organization.update(admin, { tier: 'pro' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(Organization.setTier(admin, { tier: 'pro' })).rejects.toMatchObject({ code: 'forbidden' })
    const operator = { ...ctx, actor: system('operator') }
    expect(await Organization.setTier(operator, { tier: 'pro' })).toMatchObject({ before: 'free', tier: 'pro' })
    expect(await Organization.get(admin, {})).toMatchObject({
      tier: 'pro',
      usage: { openDeliveries: { used: 0, limit: 50 } },
    })
    const entries = await ctx.runtime.tables.audit.all(ctx.orgId)
    expect(entries.map(({ action, result, actorId, after }) => [action, result, actorId, after]).slice(-3)).toEqual([
      ['organization.update', 'denied', 'usr_1', undefined],
      ['organization.set-tier', 'denied', 'usr_1', undefined],
      ['organization.set-tier', 'success', 'operator', { tier: 'pro' }],
    ])
    await expect(Organization.setTier({ ...operator, orgId: 'org_none' }, { tier: 'pro' })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('are all kept when several are changed at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const ctx = await organization()
        const changes = [
          { name: 'Other' },
          { currency: 'CHF' },
          { timeZone: 'Europe/Zurich' },
          { retention: { snapshotDays: 90 } },
          { approvalRules: { approvals: 2, allowSelfApproval: true } },
        ] as const
        const at = processes(changes.length, ctx.runtime, seed)
        await Promise.all(
          changes.map(async (change, i) => await Organization.update(over(ctx, at[i] ?? ctx.runtime), change)),
        )
        expect(await Organization.get(ctx, {})).toMatchObject(Object.assign({}, ...changes) as object)
        expect(await Organization.load(ctx)).toMatchObject({ version: changes.length + 1, adminIds: ['usr_1'] })
      }),
      { numRuns: 20 },
    )
  })

  test.each([
    [{ name: '' }],
    [{ currency: 'usd' }],
    [{ timeZone: 'Mars/Olympus' }],
    [{ retention: { snapshotDays: 1 } }],
    [{ approvalRules: { approvals: 0, allowSelfApproval: false } }],
    [{ adminIds: ['usr_2'] }],
    [{ version: 9 }],
    [{ id: 'org_other' }],
    [{ tokenIssuer: { issuer: 'https://evil.example', audience: 'a' } }],
  ])('refuse %j', async (input) => {
    const ctx = await organization()
    await expect(Organization.update(ctx, input as object)).rejects.toMatchObject({ code: 'invalid' })
    expect(await Organization.load(ctx)).toMatchObject({ version: 1, adminIds: ['usr_1'] })
  })

  test('show nothing of how members sign in', async () => {
    const ctx = await organization()
    await Organization.edit(ctx, () => ({
      signIn: { issuer: 'https://idp.example', clientId: 'c', sealedSecret: 'sealed', passwords: true },
    }))
    expect(
      JSON.stringify([await Organization.get(ctx, {}), await Organization.update(ctx, { name: 'Other' })]),
    ).not.toContain('sealed')
  })

  test('are of the caller alone', async () => {
    const ctx = await organization()
    await expect(Organization.get({ ...ctx, orgId: 'org_other' }, {})).rejects.toMatchObject({ code: 'not_found' })
    await expect(Organization.update({ ...ctx, orgId: 'org_other' }, { name: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    })
    const viewer = { kind: 'user' as const, id: 'usr_2', permissions: new Set<never>() }
    await expect(Organization.update({ ...ctx, actor: viewer }, { name: 'x' })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})
