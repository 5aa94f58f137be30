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

/** The claims in which a token of another issuer may name our organization: Cognito puts its own claims under `custom:`. */
const organizationClaims = ['org_id', 'custom:org_id'] as const

/** Whether a token says that somebody else issued it. Nothing of it is proven yet. */
export function isIssuedElsewhere({ runtime }: Context, token: string): boolean {
  const own = runtime.tokens.issuer
  // Our own begin with it, which is seen without reading them.
  if (token.startsWith(payloadPrefixOf(own), token.indexOf('.') + 1)) return false
  const issuer = payloadOf(token)?.['iss']
  return typeof issuer === 'string' && issuer !== own
}

/** How the payload of a token begins that names this issuer first: as much of it as no following letter changes. */
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
 * Who acts with a token of an issuer that their organization trusts; undefined where none of that fits. The token names the organization, and is verified with
 * that organization's issuer alone: no issuer can speak for another's. It names a member by an address that it says is verified.
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

/** Whether the issuer means this member: by whom it first named them, and nobody who got their address later. */
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

/** An issuer whose tokens are taken like ours. */
export const Public = z.object({ issuer: z.string(), audience: z.string() })

const Input = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: 'must be the URL of an issuer, as it stands in the tokens' })
    .max(512)
    .describe(
      'As it stands in `iss`; its keys are found by its discovery document. Of Cognito: `https://cognito-idp.{region}.amazonaws.com/{user pool}`.',
    ),
  audience: z
    .string()
    .min(1)
    .max(512)
    .describe('As it stands in `aud`. Of Cognito the id of the app client; send its id tokens.'),
})

const notConfigured = () => new Fault('not_found', 'No issuer is trusted but our own.')

export const get = command('token-issuer.get', z.strictObject({}), 'write:identity', async (ctx) => {
  const { tokenIssuer } = await Organization.load(ctx)
  if (!tokenIssuer) throw notConfigured()
  return tokenIssuer
})

/** Trusts an issuer, in place of the one before. Its tokens must name this organization in `org_id` (or `custom:org_id`) and a member by `email`, verified. */
export const put = change('token-issuer.put', Input, 'write:identity', async (ctx, tokenIssuer, note) => {
  await User.requireVerifiedEmail(ctx)
  if (tokenIssuer.issuer === ctx.runtime.tokens.issuer)
    throw new Fault('invalid', 'This is our own issuer.', [{ path: 'issuer', message: 'is our own' }])
  const { before } = await Organization.edit(ctx, () => ({ tokenIssuer }))
  note({
    resourceType: 'token_issuer',
    resourceId: ctx.orgId,
    ...(before.tokenIssuer && { before: before.tokenIssuer }),
    after: tokenIssuer,
  })
  return tokenIssuer
})

/** Trusts no issuer but our own any more. */
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
