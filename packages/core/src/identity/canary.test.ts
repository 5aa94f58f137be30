import * as Invitations from './people/invitations.ts'
import * as Members from './people/members.ts'
import { Secret, TOTP } from 'otpauth'
import { describe, expect, test, vi } from 'vitest'
import * as AuditLog from '../guard/audit-log.ts'
import type { Context } from '../effects/context.ts'
import { type Outgoing, traceName } from '../kernel/event.ts'
import * as Organization from '../organization/organization.ts'
import { eachTable, wrapped } from '../testing/processes.ts'
import * as ApiKey from './credentials/api-key.ts'
import * as TokenIssuer from './credentials/token-issuer.ts'
import * as Login from './sign-in/login.ts'
import { updateMe } from './people/me.ts'
import * as OpenIdSignIn from './sign-in/open-id.ts'
import * as Sessions from './credentials/sessions.ts'
import { over } from '../testing/runtime.ts'
import { password, refresh, refusal, world } from '../testing/identity.ts'
import * as Totp from './sign-in/totp.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

/** Runs every identity change as Ada; collects the secrets, and all written and logged values. */
async function everything() {
  const at = world()
  const logged: unknown[] = []
  const written = new Map<string, unknown[]>()
  const secrets: string[] = []
  const log = {
    info: (...line: unknown[]) => void logged.push(line),
    warn: (...line: unknown[]) => void logged.push(line),
    error: (...line: unknown[]) => void logged.push(line),
  }
  const tables = eachTable(at.runtime.tables, (table, noun) =>
    wrapped(table, async (verb, call, input) => {
      if (['put', 'insert', 'replace', 'rewrite'].includes(verb))
        written.set(noun, [...(written.get(noun) ?? []), input])
      return await call()
    }),
  )
  const runtime = { ...at.runtime, tables }
  const secret = (text: string): string => (secrets.push(text), text)
  const seen = (ctx: Context): Context => over({ ...ctx, log }, runtime)
  const anyone = seen(at.anyone())
  secret(password)

  const ada = await at.found()
  const ctx = seen(ada.ctx)
  const next = await refresh(anyone, ada)
  const bob = await at.join(ada, 'viewer')
  for (const { accessToken, refreshToken } of [ada, next, bob])
    [accessToken, refreshToken.split('.')[1] ?? ''].forEach(secret)
  await Invitations.create(ctx, { email: 'new@example.com', role: 'viewer' })
  await at.deliver()
  await Invitations.accept(anyone, {
    token: at.mailedTo('new@example.com'),
    password: secret('canary invited password'),
  })
  secret(at.mailedTo('new@example.com'))
  await refusal(Login.login(anyone, { email: ada.email, password: secret('canary wrong password') }))
  await Login.login(anyone, { email: ada.email, password })
  await Login.changePassword(ctx, { currentPassword: password, newPassword: secret('canary new password') })
  await Login.forgotPassword(anyone, { email: ada.email })
  await at.deliver()
  await Login.forgotPassword(anyone, { email: bob.email })
  await at.deliver()
  await Login.resetPassword(anyone, {
    token: secret(at.mailedTo(bob.email)),
    newPassword: secret('canary reset password'),
  })
  const { secret: seed, uri } = await Totp.begin(ctx, { password: 'canary new password' })
  const { recoveryCodes } = await Totp.confirm(ctx, {
    code: new TOTP({ secret: Secret.fromBase32(seed) }).generate({ timestamp: at.now().getTime() }),
  })
  ;[seed, uri, ...recoveryCodes].forEach(secret)
  await Totp.disable(ctx, { password: 'canary new password', code: recoveryCodes[0] ?? '' })
  const key = await ApiKey.create(ctx, { name: 'machine', permissions: ['read:costs'] })
  secret(key.key.split('.')[1] ?? '')
  await ApiKey.revoke(ctx, { id: key.id })
  const clientSecret = secret('canary client secret')
  await OpenIdSignIn.put(ctx, { issuer: 'https://idp.example', clientId: 'client', clientSecret })
  await OpenIdSignIn.remove(ctx, {})
  await TokenIssuer.put(ctx, { issuer: 'https://idp.example', audience: 'a' })
  await TokenIssuer.remove(ctx, {})
  await Organization.update(ctx, { name: 'Other' })
  await updateMe(ctx, { fullName: 'Ada' })
  await Members.changeRole(ctx, { id: bob.userId, role: 'cfo' })
  await Members.deactivate(ctx, { id: bob.userId })
  await Sessions.endOthers(ctx, {})
  const clear = [...secrets]
  const hashes = JSON.stringify(
    [...written].filter(([noun]) => /sessions|credentials|mailedTokens|apiKeys|invitations/.test(noun)),
  )
  secrets.push(
    ...Array.from(
      hashes.matchAll(/"(?:hash|passwordHash|current|previous|nonce|sealedSecret)":"([^"]+)"/g),
      ([, hash = '']) => hash,
    ),
  )
  return {
    clear,
    secrets,
    logged,
    written,
    events: at.runtime.events,
    entries: (await AuditLog.list(ada.ctx, { pageSize: 100 })).entries,
  }
}

describe('no password, token, code, key, nor the hash of one', () => {
  test('is in an audit entry, a trace, a log line or an event', async () => {
    const { secrets, logged, written, events, entries } = await everything()
    expect(entries.length).toBeGreaterThan(20)
    expect(secrets.length).toBeGreaterThan(40)
    const carried = [...written.values()].flat().flatMap((input) => (input as unknown[]).filter(Array.isArray).flat())
    const traces = (carried as Outgoing[]).filter(({ name }) => name === traceName)
    expect(traces.length).toBeGreaterThan(10)
    const places = { entries, logged, events, audit: written.get('audit'), traces }
    for (const [place, content] of Object.entries(places)) {
      const text = JSON.stringify(content)
      for (const secret of secrets) expect(text.includes(secret), `${secret} in ${place}`).toBe(false)
    }
  })

  test('is in any table in the clear', async () => {
    const { clear, written } = await everything()
    const text = JSON.stringify([...written])
    for (const secret of clear) expect(text.includes(secret), secret).toBe(false)
  })
})
