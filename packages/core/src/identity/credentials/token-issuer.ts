import * as z from 'zod'
import type { Actor } from '../../kernel/actor.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import * as Email from '../people/email.ts'
import { authStateOf, type Holder } from './auth-state.ts'
import * as User from '../people/user.ts'
import { providerSetting, requireUsable } from './provider-setting.ts'

const organizationClaims = ['org_id', 'custom:org_id'] as const

export function isIssuedElsewhere({ runtime }: Context, token: string): boolean {
  const own = runtime.tokens.issuer
  // Own tokens are recognized by prefix, without decoding.
  if (token.startsWith(payloadPrefixOf(own), token.indexOf('.') + 1)) return false
  const issuer = payloadOf(token)?.['iss']
  return typeof issuer === 'string' && issuer !== own
}

const payloadPrefixes = new Map<string, string>()

/** Cut to whole groups of three bytes. */
function payloadPrefixOf(issuer: string) {
  const known = payloadPrefixes.get(issuer)
  if (known !== undefined) return known
  const text = Buffer.from(`{"iss":${JSON.stringify(issuer)},`)
  const beginning = text.subarray(0, text.length - (text.length % 3)).toString('base64url')
  payloadPrefixes.set(issuer, beginning)
  return beginning
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function organizationOf(claims: Record<string, unknown>) {
  const named = organizationClaims.map((name) => claims[name]).find((value) => value !== undefined)
  return typeof named === 'string' && /^[\w-]{1,80}$/.test(named) ? named : undefined
}

/** The issuer of the organization in the token verifies it, and a member has its address; undefined if refused. */
export async function holderOf(anyone: Context, token: string): Promise<Holder | undefined> {
  const orgId = organizationOf(payloadOf(token) ?? {})
  const trusted = orgId === undefined ? undefined : await anyone.tables.organizations.get(orgId, orgId)
  if (orgId === undefined || !trusted?.tokenIssuer) return undefined
  const { issuer } = trusted.tokenIssuer
  const claims = await anyone.runtime.tokens.verifyIssued(token, trusted.tokenIssuer)
  const email = Email.Email.safeParse(claims['email'])
  if (!email.success || !Email.isEmailVerified(issuer, claims) || organizationOf(claims) !== orgId) return undefined
  const entry = await Email.find(anyone, Email.hashOf(email.data))
  if (entry?.orgId !== orgId) return undefined
  const ctx: Context = { ...anyone, orgId }
  const authState = await authStateOf(ctx, entry.userId)
  const subject = claims['sub']
  if (!authState || typeof subject !== 'string' || !(await isSameSubject(ctx, authState.user, { issuer, subject })))
    return undefined
  const { role } = authState.user
  const actor: Actor = { ...anyone.actor, kind: 'user', id: entry.userId, role, permissions: permissionsOf(role) }
  return { orgId, actor, authState }
}

/** Pins the first subject of the issuer, so a later owner of the address is refused. */
async function isSameSubject(ctx: Context, user: User.Info, named: { issuer: string; subject: string }) {
  const isFirst = user.tokenSubject?.issuer !== named.issuer
  const { after } = isFirst
    ? await User.edit(ctx, user.id, ({ tokenSubject }) => ({
        tokenSubject: tokenSubject?.issuer === named.issuer ? tokenSubject : named,
      }))
    : { after: user }
  return after.tokenSubject?.subject === named.subject
}

export const Public = z.object({ issuer: z.string(), audience: z.string() })

const Input = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: 'must be the issuer URL from the tokens' })
    .max(512)
    .describe(
      'The claim `iss`; keys come from its discovery document. Cognito: ' +
        '`https://cognito-idp.{region}.amazonaws.com/{user pool}`.',
    ),
  audience: z.string().min(1).max(512).describe('The claim `aud`. Cognito: the id of the app client; send id tokens.'),
})

const setting = providerSetting('tokenIssuer', {
  noun: 'token-issuer',
  resourceType: 'token_issuer',
  missing: 'No token issuer is configured.',
  toPublic: (issuer) => Public.parse(issuer),
})

export const { get, remove } = setting

/** Its tokens must name this organization in `org_id` (or `custom:org_id`) and a member by a verified `email`. */
export const put = setting.put(Input, async (ctx, tokenIssuer) => {
  if (tokenIssuer.issuer === ctx.runtime.tokens.issuer)
    throw new Fault('invalid', 'This issuer is CloudOptima itself. Give the issuer of your organization.', [
      { path: 'issuer', message: 'must not be CloudOptima' },
    ])
  await requireUsable(ctx.runtime.tokens.checkIssuer(tokenIssuer.issuer))
  return () => tokenIssuer
})
