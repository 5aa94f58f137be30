import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import { type Permission, permissionsOf } from '../../kernel/permission.ts'
import * as ApiKey from './api-key.ts'
import * as TokenIssuer from './token-issuer.ts'
import { prefixes } from './secret.ts'
import { type AuthState, authStateOf } from './auth-state.ts'

/** An authenticated context and the tier of its rate limit. */
export interface Authenticated {
  ctx: Context
  tier: Organization.Info['tier']
}

const refused = () =>
  new Fault(
    'unauthenticated',
    'The access token is missing, invalid or expired. Sign in, and send the token as Authorization: Bearer.',
  )

/**
 * Authenticates a header `Authorization`: our access token, an API key, or a token of a trusted issuer. Every refusal
 * is the same Fault `unauthenticated`.
 */
export async function authenticate(anyone: Context, header: string | undefined): Promise<Authenticated> {
  const [, token] = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(header ?? '') ?? []
  if (token === undefined) throw refused()
  const found = await holderOf(anyone, token)
  if (!found) throw refused()
  const { orgId, actor, authState } = found
  const { currency, tier } = authState.organization
  return { ctx: { ...anyone, orgId, actor, ...(currency !== null && { currency }) }, tier }
}

interface Found {
  orgId: string
  actor: Actor
  authState: AuthState
}

async function holderOf(anyone: Context, token: string): Promise<Found | undefined> {
  try {
    return await (token.startsWith(`${prefixes.key}_`) ? ApiKey.actorOf(anyone, token) : userOf(anyone, token))
  } catch (error) {
    // Hides why a token was refused.
    if (isFault(error, 'unauthenticated')) return undefined
    throw error
  }
}

async function userOf(anyone: Context, token: string): Promise<Found | undefined> {
  return TokenIssuer.isIssuedElsewhere(anyone, token)
    ? await TokenIssuer.actorOf(anyone, token)
    : await ownUserOf(anyone, token)
}

async function ownUserOf(anyone: Context, token: string): Promise<Found | undefined> {
  const claims = await anyone.runtime.tokens.verify(token)
  const authState = await authStateOf({ ...anyone, orgId: claims.org_id }, claims.sub, claims.sid)
  if (!authState) return undefined
  // The intersection of the token's permissions and the user's current ones.
  const now = permissionsOf(authState.user.role)
  const lacksSecondFactor = isWithoutFactor(authState)
  const permissions = lacksSecondFactor ? new Set<Permission>() : intersection(now, claims.permissions)
  const actor: Actor = {
    ...anyone.actor,
    kind: 'user',
    id: claims.sub,
    role: authState.user.role,
    permissions,
    sessionId: claims.sid,
    tokenId: claims.jti,
    lacksSecondFactor,
  }
  return { orgId: claims.org_id, actor, authState }
}

const intersections = new WeakMap<
  readonly Permission[],
  { now: ReadonlySet<Permission>; both: ReadonlySet<Permission> }
>()

/** The intersection, cached by the token's array. */
function intersection(now: ReadonlySet<Permission>, given: readonly Permission[]): ReadonlySet<Permission> {
  const known = intersections.get(given)
  if (known?.now === now) return known.both
  const both = new Set(given.filter((permission) => now.has(permission)))
  intersections.set(given, { now, both })
  return both
}

/** The organization requires a second factor, and neither user nor provider has supplied one. */
function isWithoutFactor({ organization, user, session }: AuthState): boolean {
  return organization.requireSecondFactor && !user.hasSecondFactor && session?.method !== 'openid'
}
