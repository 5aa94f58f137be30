import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import { type Permission, permissionsOf } from '../../kernel/permission.ts'
import * as ApiKey from './api-key.ts'
import * as TokenIssuer from './token-issuer.ts'
import { prefixes } from './secret.ts'
import { type AuthState, authStateOf } from './auth-state.ts'

/** A context in which somebody known acts, and the tier that their requests count against. */
export interface Authenticated {
  ctx: Context
  tier: Organization.Info['tier']
}

const refused = () =>
  new Fault(
    'unauthenticated',
    'The access token is missing, wrong or no longer good. Sign in, and send it as Authorization: Bearer.',
  )

/**
 * Who sends this header `Authorization`, and for which organization: the credential alone says both. Throws Fault `unauthenticated`, always with the same
 * words. Takes our access tokens, API keys, and tokens of an issuer that an organization trusts.
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
    // What is wrong with a token is for nobody to learn.
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
  // Neither more than the token was made for nor more than the user may now.
  const now = permissionsOf(authState.user.role)
  const lacksSecondFactor = isWithoutFactor(authState)
  const permissions = lacksSecondFactor ? new Set<Permission>() : narrowed(now, claims.permissions)
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

const narrowings = new WeakMap<readonly Permission[], { now: ReadonlySet<Permission>; both: ReadonlySet<Permission> }>()

/** What is in both. A token that comes again is the same object, and found again. */
function narrowed(now: ReadonlySet<Permission>, given: readonly Permission[]): ReadonlySet<Permission> {
  const known = narrowings.get(given)
  if (known?.now === now) return known.both
  const both = new Set(given.filter((permission) => now.has(permission)))
  narrowings.set(given, { now, both })
  return both
}

/** Whoever their own provider let in is left to it; who came with nothing but a password is not enough for some organizations. */
function isWithoutFactor({ organization, user, session }: AuthState): boolean {
  return organization.requireSecondFactor && !user.hasSecondFactor && session?.method !== 'openid'
}
