import type { Context } from '../../kernel/context.ts'
import type * as Organization from '../../organization/organization.ts'
import type { Runtime } from '../../kernel/runtime.ts'
import type * as Session from './session.ts'
import type * as User from '../people/user.ts'

/** Where somebody stands now, whatever their token says: it was made up to a quarter of an hour ago. */
export interface AuthState {
  user: User.Info
  organization: Organization.Info
  /** Of a user; an API key has none. */
  session?: Session.Info
}

/** Whether somebody can still act with a session. */
export function isLive(
  { revokedAt, idleUntil, expiresAt }: Pick<Session.Info, 'revokedAt' | 'idleUntil' | 'expiresAt'>,
  now: Date,
): boolean {
  const seconds = now.getTime() / 1000
  return revokedAt === undefined && seconds < idleUntil && seconds < expiresAt
}

interface Remembered {
  authState: AuthState | undefined
  until: number
}

/**
 * How long a process trusts what it read. What is revoked in a process is refused by it at once, and by every other within this time: so a request costs no
 * read of three items each time.
 */
export const trustMs = 5_000
const memories = new WeakMap<Runtime, Map<string, Remembered>>()

/** Of a user, and of the session where there is one; undefined when either is no longer good. */
export async function authStateOf(ctx: Context, userId: string, sessionId?: string): Promise<AuthState | undefined> {
  const memory = memories.get(ctx.runtime) ?? new Map<string, Remembered>()
  memories.set(ctx.runtime, memory)
  const key = `${ctx.orgId}/${userId}/${sessionId ?? ''}`
  const now = ctx.now().getTime()
  const known = memory.get(key)
  if (known && now < known.until) return known.authState
  const authState = await read(ctx, userId, sessionId)
  if (memory.size > 10_000) memory.clear()
  // Where everything was forgotten meanwhile, what was read may be older than that: it is used this once.
  if (memories.get(ctx.runtime) === memory) memory.set(key, { authState, until: now + trustMs })
  return authState
}

async function read(
  { runtime, orgId, now }: Context,
  userId: string,
  sessionId: string | undefined,
): Promise<AuthState | undefined> {
  const [user, organization, session] = await Promise.all([
    runtime.tables.users.get(orgId, userId),
    runtime.tables.organizations.get(orgId, orgId),
    sessionId === undefined ? undefined : runtime.tables.sessions.get(orgId, sessionId),
  ])
  if (!user?.isActive || !organization) return undefined
  if (sessionId !== undefined && (session?.userId !== userId || !isLive(session, now()))) return undefined
  return { user, organization, ...(session && { session }) }
}

/** After anything that changes somebody's authState: this process looks anew. */
export function forgetAuthStates(runtime: Runtime): void {
  memories.delete(runtime)
}
