import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import { type Permission, permissionsOf } from '../../kernel/permission.ts'
import * as ApiKey from './api-key.ts'
import * as TokenIssuer from './token-issuer.ts'
import { prefixes } from './secret.ts'
import { authStateOf } from './auth-state.ts'

export interface Authenticated {
  ctx: Context
  tier: Organization.Info['tier']
}

/** Accepts our access token, an API key, or a trusted issuer's token. Every Fault `unauthenticated` is the same. */
export async function authenticate(anyone: Context, header: string | undefined): Promise<Authenticated> {
  const [, token] = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(header ?? '') ?? []
  const holder = token === undefined ? undefined : await holderOf(anyone, token)
  if (!holder)
    throw new Fault(
      'unauthenticated',
      'The access token is missing, invalid or expired. Sign in, and send the token as Authorization: Bearer.',
    )
  const { orgId, actor, authState } = holder
  const { currency, tier } = authState.organization
  return { ctx: { ...anyone, orgId, actor, ...(currency !== null && { currency }) }, tier }
}

async function holderOf(anyone: Context, token: string) {
  try {
    if (token.startsWith(`${prefixes.key}_`)) return await ApiKey.holderOf(anyone, token)
    if (TokenIssuer.isIssuedElsewhere(anyone, token)) return await TokenIssuer.holderOf(anyone, token)
    return await ownHolderOf(anyone, token)
  } catch (error) {
    // Hides why a token was refused.
    if (isFault(error, 'unauthenticated')) return undefined
    throw error
  }
}

async function ownHolderOf(anyone: Context, token: string) {
  const claims = await anyone.runtime.tokens.verify(token)
  const authState = await authStateOf({ ...anyone, orgId: claims.org_id }, claims.sub, claims.sid)
  if (!authState) return undefined
  const { organization, user, session } = authState
  const lacksSecondFactor = organization.requireSecondFactor && !user.hasSecondFactor && session?.method !== 'openid'
  const actor: Actor = {
    ...anyone.actor,
    kind: 'user',
    id: claims.sub,
    role: user.role,
    permissions: lacksSecondFactor ? new Set() : intersection(permissionsOf(user.role), claims.permissions),
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

function intersection(now: ReadonlySet<Permission>, given: readonly Permission[]): ReadonlySet<Permission> {
  const known = intersections.get(given)
  if (known?.now === now) return known.both
  const both = now.intersection(new Set(given))
  intersections.set(given, { now, both })
  return both
}
