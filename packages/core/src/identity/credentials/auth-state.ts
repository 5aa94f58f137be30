import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import type * as Organization from '../../organization/organization.ts'
import { authMemory } from '../../guard/auth-memory.ts'
import * as Session from './session.ts'
import type * as User from '../people/user.ts'

export interface AuthState {
  user: User.Info
  organization: Organization.Info
  session?: Session.Info | undefined
}

export interface Holder {
  orgId: string
  actor: Actor
  authState: AuthState
  /** Until this time (ms) the credential proves the same. */
  until?: number
}

/** A revocation in another process takes effect after this time. */
export const trustMs = 5_000

export async function authStateOf(ctx: Context, userId: string, sessionId?: string): Promise<AuthState | undefined> {
  return (await rememberedState(ctx, userId, sessionId)).value
}

/** Trusted until `until` (ms). */
export async function rememberedState(
  ctx: Context,
  userId: string,
  sessionId?: string,
): Promise<{ value: AuthState | undefined; until: number }> {
  const memory = authMemory(ctx.runtime)
  const key = `${ctx.orgId}/${userId}/${sessionId ?? ''}`
  const now = ctx.now().getTime()
  const known = memory.get(key)
  if (known && now < known.until) return known as { value: AuthState | undefined; until: number }
  const fresh = { value: await read(ctx, userId, sessionId), until: now + trustMs }
  // A `forgetAuthStates` during the read makes the result possibly stale: do not cache it.
  if (authMemory(ctx.runtime) === memory) memory.set(key, fresh)
  return fresh
}

async function read({ tables, orgId, now }: Context, userId: string, sessionId?: string) {
  const [user, organization, session] = await Promise.all([
    tables.users.get(orgId, userId),
    tables.organizations.get(orgId, orgId),
    sessionId === undefined ? undefined : tables.sessions.get(orgId, sessionId),
  ])
  if (!user?.isActive || !organization) return undefined
  if (sessionId !== undefined && (session?.userId !== userId || !Session.isLive(session, now()))) return undefined
  return { user, organization, session }
}
