import { createApp } from '@cloudoptima/api'
import { Actor, type Context, Identity, type Role } from '@cloudoptima/core'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** A client of the API with the token of one member. */
export interface ApiClient {
  request(path: string, init?: RequestInit): Promise<Response>
}

/** Creates the context's organization if it is missing, and a member of this role. Returns the member's client. */
export async function signedIn(ctx: Context, role: Role = 'admin'): Promise<ApiClient> {
  const { runtime, now, orgId } = ctx
  const email = `${ctx.newId('member')}@example.com`
  const passwordHash = await runtime.passwords.hash('correct horse battery staple')
  const founder: Context = { ...ctx, actor: Actor.system('test') }
  const organization = await runtime.tables.organizations.get(orgId, orgId)
  const user = organization
    ? Identity.User.created(founder, { id: founder.newId('usr'), email, role, emailVerified: true })
    : await Identity.foundOrganization(
        founder,
        { name: orgId, email, passwordHash, role, emailVerified: true },
        { tier: 'enterprise' },
      )
  if (organization) await Identity.addUser(founder, user, passwordHash)
  const { accessToken } = await Identity.Session.open(founder, user, 'password')
  const app = createApp({ runtime, log: silent, now, address: () => '127.0.0.1', publicUrl: 'http://127.0.0.1' })
  return {
    request: async (path, init = {}) =>
      await app.request(path, {
        ...init,
        headers: { Authorization: `Bearer ${accessToken}`, ...(init.headers as Record<string, string> | undefined) },
      }),
  }
}
