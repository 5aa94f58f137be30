import * as Invitations from './people/invitations.ts'
import * as MailedToken from './sign-in/mailed-token.ts'
import { describe, expect, test, vi } from 'vitest'
import * as Audit from '../guard/audit.ts'
import * as Relay from '../guard/relay.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import type { Runtime } from '../effects/runtime.ts'
import { nounsOf } from '../effects/tables.ts'
import { eachTable, killedAt } from '../testing/processes.ts'
import { testContext } from '../testing/runtime.ts'
import * as Login from './sign-in/login.ts'
import * as OpenIdSignIn from './sign-in/open-id.ts'
import * as Register from './sign-in/register.ts'
import { password, type Person, refusal, refresh, type World, world } from '../testing/identity.ts'
import * as User from './people/user.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

/** An anonymous request in a prepared organization, with its audit entry. */
interface Asked {
  action: string
  entry: object
  ask(anyone: Context): Promise<unknown>
}

const newPassword = 'another battery staple'

/** A provider that asserts a new user. */
async function trustProvider({ runtime }: World, { ctx }: Person): Promise<void> {
  const issuer = 'https://idp.example'
  runtime.openId = {
    check: async () => undefined,
    begin: async (_, redirectUri) => ({
      url: `${issuer}/authorize`,
      state: 'state',
      nonce: 'nonce',
      codeVerifier: 'verifier',
      redirectUri,
    }),
    finish: async () => ({ issuer, subject: 'subject', email: 'new@example.com', emailVerified: true }),
  }
  await OpenIdSignIn.put(ctx, { issuer, clientId: 'client', newUsers: { domains: ['example.com'], role: 'viewer' } })
}

const cases: Record<string, (at: World, ada: Person) => Promise<Asked>> = {
  'a sign-in': async (_, { email, userId }) => ({
    action: 'auth.login',
    entry: { actorKind: 'user', actorId: userId, resourceId: userId },
    ask: async (anyone) => await Login.login(anyone, { email, password }),
  }),
  'a password reset': async (_, { ctx, userId }) => {
    const token = await MailedToken.mint(ctx, 'reset-password', userId)
    return {
      action: 'auth.reset-password',
      entry: { actorKind: 'user', actorId: userId, resourceId: userId },
      ask: async (anyone) => await Login.resetPassword(anyone, { token, newPassword }),
    }
  },
  'a confirmed e-mail address': async (_, { ctx, userId }) => {
    await User.edit(ctx, userId, () => ({ emailVerified: false }))
    const token = await MailedToken.mint(ctx, 'verify-email', userId)
    return {
      action: 'auth.verify-email',
      entry: { actorKind: 'user', actorId: userId, resourceId: userId },
      ask: async (anyone) => await Login.verifyEmail(anyone, { token }),
    }
  },
  'an accepted invitation': async ({ deliver, mailedTo }, { ctx }) => {
    await Invitations.create(ctx, { email: 'bob@example.com', role: 'admin' })
    await deliver()
    const token = mailedTo('bob@example.com')
    return {
      action: 'invitations.accept',
      entry: { actorKind: 'user', resourceType: 'user', resourceId: expect.stringMatching(/^usr_/) },
      ask: async (anyone) => await Invitations.accept(anyone, { token, password }),
    }
  },
  'an old refresh token that comes again': async ({ anyone, pass }, ada) => {
    await refresh(anyone(), ada)
    pass(60)
    const [sessionId] = await ada.ctx.runtime.tables.sessions.all(ada.orgId)
    return {
      action: 'auth.refresh',
      entry: { actorKind: 'anonymous', resourceType: 'session', resourceId: sessionId?.id },
      ask: async (context) =>
        await refusal(refresh(context, ada)).then(
          (fault) => fault?.code === 'unauthenticated' || Promise.reject(new Error('killed')),
        ),
    }
  },
  'a sign-in by the own provider': async (at, ada) => {
    await trustProvider(at, ada)
    const { browser } = await OpenIdSignIn.begin(at.anyone(), {
      organizationId: ada.orgId,
      redirectUri: 'https://example.com/callback',
    })
    const callback = {
      organizationId: ada.orgId,
      state: 'state',
      callbackUrl: 'https://example.com/callback?state=state&code=c',
      browser,
    }
    return {
      action: 'openid.finish',
      entry: { resourceType: 'user' },
      ask: async (anyone) => await OpenIdSignIn.finish(anyone, callback),
    }
  },
}

/** All that an organization has, but for its log. */
async function stateOf({ tables }: Runtime, orgId: string): Promise<string> {
  const kept = nounsOf(tables).filter((noun) => noun !== 'audit')
  const rows = await Promise.all(kept.map(async (noun) => [noun, await tables[noun].all(orgId)] as const))
  return JSON.stringify(rows.filter(([, items]) => items.length > 0).toSorted())
}

describe.each(Object.keys(cases))('%s', (name) => {
  test('leaves exactly one entry, whether or not the process ends between its effects', async () => {
    let changes = 0
    for (let writes = 0, ended = false; !ended; writes++) {
      const at = world()
      const ada = await at.found()
      const { action, entry, ask } = (await cases[name]?.(at, ada)) ?? expect.fail(name)
      const { orgId } = ada
      const [before, left] = [await stateOf(at.runtime, orgId), { left: writes }]
      const killed = { ...at.runtime, tables: eachTable(at.runtime.tables, (table) => killedAt(table, left)) }
      ended = await ask(at.anyone(undefined, killed)).then(
        () => true,
        () => false,
      )
      const isChanged = (await stateOf(at.runtime, orgId)) !== before
      if (isChanged) changes++
      at.pass(360)
      await Audit.closeTraces(testContext(at.runtime, { orgId, now: at.now }))
      const entries = (await at.runtime.tables.audit.all(orgId)).filter((each) => each.action === action)
      if (isChanged) expect(entries, `killed after ${writes} writes`).toMatchObject([entry])
      else expect(entries.length).toBeLessThan(2)
      expect(Audit.verify(await at.runtime.tables.audit.all(orgId)).intact).toBe(true)
      await Relay.sweep(testContext(at.runtime, { orgId: noOrganization, now: at.now }))
      expect(await Array.fromAsync(at.runtime.outbox.pending(at.now().toISOString(), orgId))).toEqual([])
    }
    expect(changes).toBeGreaterThan(1)
  })
})

test('an interrupted registration leaves an entry once its organization is indexed for the sweep', async () => {
  let registered = 0
  for (let writes = 0, ended = false; !ended; writes++) {
    const at = world()
    const [left, { tables }] = [{ left: writes }, at.runtime]
    const killed = { ...at.runtime, tables: eachTable(tables, (table) => killedAt(table, left)) }
    ended = await Register.register(at.anyone(undefined, killed), {
      email: 'ada@example.com',
      password,
      companyName: 'Analytical Engines',
      role: 'cfo',
    }).then(
      () => true,
      () => false,
    )
    at.pass(360)
    for (const { id: orgId } of await tables.organizationIndex.all(noOrganization)) {
      registered++
      await Audit.closeTraces(testContext(at.runtime, { orgId, now: at.now }))
      expect((await tables.audit.all(orgId)).filter(({ action }) => action === 'auth.register')).toMatchObject([
        { resourceType: 'organization', resourceId: orgId },
      ])
    }
  }
  expect(registered).toBeGreaterThan(3)
})
