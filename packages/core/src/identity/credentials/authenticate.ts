import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import { type Permission, permissionsOf } from '../../kernel/permission.ts'
import * as ApiKey from './api-key.ts'
import * as TokenIssuer from './token-issuer.ts'
import { prefixes } from './secret.ts'
import { authMemory } from '../../guard/auth-memory.ts'
import { type Holder, rememberedState } from './auth-state.ts'

export interface Authenticated {
  ctx: Context
  tier: Organization.Info['tier']
}

/** Every Fault `unauthenticated` is the same, whatever kind of credential it is. */
export async function authenticate(anyone: Context, header: string | undefined): Promise<Authenticated> {
  const memory = authMemory(anyone.runtime)
  const [, token] = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(header ?? '') ?? []
  // The memory also has states by keys that are no tokens.
  const known = header === undefined || token === undefined ? undefined : memory.get(header)
  if (known && anyone.now().getTime() < known.until) return authenticated(anyone, known.value as Holder)
  const holder = token === undefined ? undefined : await holderOf(anyone, token)
  if (!holder)
    throw new Fault(
      'unauthenticated',
      'The access token is missing, invalid or expired. Sign in, and send the token as Authorization: Bearer.',
    )
  // Not cached if a `forgetAuthStates` came meanwhile.
  if (header !== undefined && holder.until !== undefined && authMemory(anyone.runtime) === memory)
    memory.set(header, { value: holder, until: holder.until })
  return authenticated(anyone, holder)
}

function authenticated(anyone: Context, { orgId, actor: holder, authState }: Holder): Authenticated {
  const { address, userAgent } = anyone.actor
  const { currency, tier, tags } = authState.organization
  return {
    ctx: {
      ...anyone,
      orgId,
      actor: { ...holder, address, userAgent },
      ...(currency !== null && { currency }),
      ...(tags && { virtualTags: tags.virtual }),
    },
    tier,
  }
}

async function holderOf(anyone: Context, token: string): Promise<Holder | undefined> {
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

async function ownHolderOf(anyone: Context, token: string): Promise<Holder | undefined> {
  const claims = await anyone.runtime.tokens.verify(token)
  const { org_id: orgId, sub: id, sid: sessionId } = claims
  const { value: authState, until } = await rememberedState({ ...anyone, orgId }, id, sessionId)
  if (!authState) return undefined
  const { organization, user, session } = authState
  const lacksSecondFactor = organization.requireSecondFactor && !user.hasSecondFactor && session?.method !== 'openid'
  const given = new Set<Permission>(lacksSecondFactor ? [] : claims.permissions)
  const actor: Actor = {
    kind: 'user',
    id,
    role: user.role,
    permissions: permissionsOf(user.role).intersection(given),
    sessionId,
    lacksSecondFactor,
  }
  return { orgId, actor, authState, until: Math.min(until, claims.exp * 1000) }
}
