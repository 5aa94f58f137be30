import type { Context } from '../../effects/context.ts'
import type * as Organization from '../../organization/organization.ts'
import { authMemory } from '../../guard/auth-memory.ts'
import * as Session from './session.ts'
import type * as User from '../people/user.ts'

/** Where somebody stands now, whatever their token says: it was made up to a quarter of an hour ago. */
export interface AuthState {
  user: User.Info
  organization: Organization.Info
  /** Of a user; an API key has none. */
  session?: Session.Info
}

/**
 * How long a process trusts what it read. What is revoked in a process is refused by it at once, and by every other within this time: so a request costs no
 * read of three items each time.
 */
export const trustMs = 5_000

/** Of a user, and of the session where there is one; undefined when either is no longer good. */
export async function authStateOf(ctx: Context, userId: string, sessionId?: string): Promise<AuthState | undefined> {
  const memory = authMemory(ctx.runtime)
  const key = `${ctx.orgId}/${userId}/${sessionId ?? ''}`
  const now = ctx.now().getTime()
  const known = memory.get(key)
  if (known && now < known.until) return known.value as AuthState | undefined
  const authState = await read(ctx, userId, sessionId)
  // After a `forgetAuthStates` during the read the result may be outdated: use it once, and do not remember it.
  if (authMemory(ctx.runtime) === memory) memory.set(key, { value: authState, until: now + trustMs })
  return authState
}

async function read(
  { tables, orgId, now }: Context,
  userId: string,
  sessionId: string | undefined,
): Promise<AuthState | undefined> {
  const [user, organization, session] = await Promise.all([
    tables.users.get(orgId, userId),
    tables.organizations.get(orgId, orgId),
    sessionId === undefined ? undefined : tables.sessions.get(orgId, sessionId),
  ])
  if (!user?.isActive || !organization) return undefined
  if (sessionId !== undefined && (session?.userId !== userId || !Session.isLive(session, now()))) return undefined
  return { user, organization, ...(session && { session }) }
}
