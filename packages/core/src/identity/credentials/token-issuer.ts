import * as z from 'zod'
import type { Actor } from '../../kernel/actor.ts'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import * as Email from '../people/email.ts'
import { type AuthState, authStateOf } from './auth-state.ts'
import * as User from '../people/user.ts'
import { isEmailVerified } from './email-claims.ts'

/** Claims that name our organization; Cognito prefixes custom claims. */
const organizationClaims = ['org_id', 'custom:org_id'] as const

/** Whether the token claims another issuer; unverified. */
export function isIssuedElsewhere({ runtime }: Context, token: string): boolean {
  const own = runtime.tokens.issuer
  // Own tokens are recognized by prefix, without decoding.
  if (token.startsWith(payloadPrefixOf(own), token.indexOf('.') + 1)) return false
  const issuer = payloadOf(token)?.['iss']
  return typeof issuer === 'string' && issuer !== own
}

/** Base64 prefix of a payload that starts with this issuer, cut to whole groups of three bytes. */
function payloadPrefixOf(issuer: string): string {
  const known = payloadPrefixes.get(issuer)
  if (known !== undefined) return known
  const text = Buffer.from(`{"iss":${JSON.stringify(issuer)},`)
  const beginning = text.subarray(0, text.length - (text.length % 3)).toString('base64url')
  payloadPrefixes.set(issuer, beginning)
  return beginning
}

const payloadPrefixes = new Map<string, string>()

function payloadOf(token: string): Record<string, unknown> | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function organizationOf(claims: Record<string, unknown>): string | undefined {
  const named = organizationClaims.map((name) => claims[name]).find((value) => value !== undefined)
  return typeof named === 'string' && /^[\w-]{1,80}$/.test(named) ? named : undefined
}

/**
 * The actor of a trusted issuer's token; undefined if refused. Only the issuer of the named organization verifies the
 * token, and the token must name a member by a verified address.
 */
export async function actorOf(
  anyone: Context,
  token: string,
): Promise<{ orgId: string; actor: Actor; authState: AuthState } | undefined> {
  const orgId = organizationOf(payloadOf(token) ?? {})
  const organization = orgId === undefined ? undefined : await anyone.tables.organizations.get(orgId, orgId)
  if (!organization?.tokenIssuer) return undefined
  const claims = await anyone.runtime.tokens.verifyIssued(token, organization.tokenIssuer)
  const email = Email.Email.safeParse(claims['email'])
  const { issuer } = organization.tokenIssuer
  if (!email.success || !isEmailVerified(issuer, claims) || organizationOf(claims) !== organization.id) return undefined
  const entry = await Email.find(anyone, Email.hashOf(email.data))
  if (entry?.orgId !== organization.id) return undefined
  const ctx: Context = { ...anyone, orgId: organization.id }
  const authState = await authStateOf(ctx, entry.userId)
  const subject = claims['sub']
  if (!authState || typeof subject !== 'string' || !(await isSameSubject(ctx, authState.user, { issuer, subject })))
    return undefined
  const actor: Actor = {
    ...anyone.actor,
    kind: 'user',
    id: entry.userId,
    role: authState.user.role,
    permissions: permissionsOf(authState.user.role),
  }
  return { orgId: organization.id, actor, authState }
}

/** Pins the first subject of the issuer, so a later owner of the address is refused. */
async function isSameSubject(
  ctx: Context,
  user: User.Info,
  named: { issuer: string; subject: string },
): Promise<boolean> {
  const isFirst = user.tokenSubject?.issuer !== named.issuer
  const { after } = isFirst
    ? await User.edit(ctx, user.id, ({ tokenSubject }) => ({
        tokenSubject: tokenSubject?.issuer === named.issuer ? tokenSubject : named,
      }))
    : { after: user }
  return after.tokenSubject?.subject === named.subject
}

/** A trusted token issuer. */
export const Public = z.object({ issuer: z.string(), audience: z.string() })

const Input = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: 'must be the issuer URL from the tokens' })
    .max(512)
    .describe(
      'The claim `iss`; keys come from its discovery document. Cognito: `https://cognito-idp.{region}.amazonaws.com/{user pool}`.',
    ),
  audience: z.string().min(1).max(512).describe('The claim `aud`. Cognito: the id of the app client; send id tokens.'),
})

const notConfigured = () => new Fault('not_found', 'No token issuer is configured.')

export const get = command('token-issuer.get', z.strictObject({}), 'write:identity', async (ctx) => {
  const { tokenIssuer } = await Organization.load(ctx)
  if (!tokenIssuer) throw notConfigured()
  return tokenIssuer
})

/**
 * Replaces the trusted issuer. Its tokens must name this organization in `org_id` (or `custom:org_id`) and a member by
 * a verified `email`.
 */
export const put = change('token-issuer.put', Input, 'write:identity', async (ctx, tokenIssuer, note) => {
  await User.requireVerifiedEmail(ctx)
  if (tokenIssuer.issuer === ctx.runtime.tokens.issuer)
    throw new Fault('invalid', 'This issuer is CloudOptima itself. Give the issuer of your organization.', [
      { path: 'issuer', message: 'must not be CloudOptima' },
    ])
  const { before } = await Organization.edit(ctx, () => ({ tokenIssuer }))
  note({
    resourceType: 'token_issuer',
    resourceId: ctx.orgId,
    ...(before.tokenIssuer && { before: before.tokenIssuer }),
    after: tokenIssuer,
  })
  return tokenIssuer
})

/** Removes the trusted issuer. */
export const remove = change('token-issuer.delete', z.strictObject({}), 'write:identity', async (ctx, _, note) => {
  const { before } = await Organization.edit(ctx, ({ tokenIssuer }) => {
    if (!tokenIssuer) throw notConfigured()
    return { tokenIssuer: undefined }
  })
  note({
    resourceType: 'token_issuer',
    resourceId: ctx.orgId,
    ...(before.tokenIssuer && { before: before.tokenIssuer }),
  })
  return { success: true }
})
