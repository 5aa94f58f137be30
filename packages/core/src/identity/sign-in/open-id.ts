import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import { type Context, noOrganization } from '../../effects/context.ts'
import * as Envelope from '../../guard/envelope.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import type { OpenIdFlow, OpenIdIdentity, OpenIdProvider } from '../../effects/runtime.ts'
import * as Email from '../people/email.ts'
import * as InvitationRedemption from '../people/invitation-redemption.ts'
import { addUser } from './register.ts'
import * as Secret from '../credentials/secret.ts'
import * as Session from '../credentials/session.ts'
import * as User from '../people/user.ts'
import { verificationHint } from '../credentials/email-claims.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    /** Under `noOrganization`. */
    signInFlows: Table<Flow>
  }
}

/** A sign-in between redirect and callback. */
export interface Flow extends OpenIdFlow {
  /** Hash of `state`. */
  id: string
  organizationId: string
  /** Hash of the browser's cookie. */
  browser: string
  usedAt?: string
  expiresAt: number
}

const flowSeconds = 600
const purpose = 'openid'

export const OrganizationId = z
  .string()
  .regex(/^[\w-]{1,80}$/, "must be an organization's id")
  .describe('The id of your organization.')

async function providerOf(ctx: Context): Promise<{ provider: OpenIdProvider; settings: Organization.SignIn }> {
  const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
  // Do not disclose whether the organization exists.
  if (!organization?.signIn) throw new Fault('not_found', 'This organization has no sign-in provider.')
  const { issuer, clientId, sealedSecret } = organization.signIn
  const clientSecret = sealedSecret === undefined ? undefined : await Envelope.open(ctx, purpose, sealedSecret)
  return {
    provider: { issuer, clientId, ...(clientSecret !== undefined && { clientSecret }) },
    settings: organization.signIn,
  }
}

/** Begins a sign-in; returns the redirect URL and the browser's cookie. */
export const begin = change(
  'openid.begin',
  z.strictObject({ organizationId: OrganizationId, redirectUri: z.url() }),
  'public',
  async (anyone, { organizationId, redirectUri }) => {
    const ctx: Context = { ...anyone, orgId: organizationId }
    const { provider } = await providerOf(ctx)
    const { url, ...flow } = await ctx.runtime.openId.begin(provider, redirectUri)
    const browser = Secret.random()
    const expiresAt = Math.ceil(ctx.now().getTime() / 1000) + flowSeconds
    const kept: Flow = {
      ...flow,
      id: Secret.hashOf(flow.state),
      organizationId,
      browser: Secret.hashOf(browser),
      expiresAt,
    }
    await ctx.tables.signInFlows.put(noOrganization, kept)
    return { location: url, browser, seconds: flowSeconds }
  },
)

const Callback = z.strictObject({
  organizationId: OrganizationId,
  state: z.string().min(1).max(1024),
  callbackUrl: z.string().max(8192).describe('Full URL of the callback.'),
  browser: z.string().max(256).optional().describe('Cookie of the browser that began the sign-in.'),
})

const refused = () => new Fault('unauthenticated', 'This sign-in is invalid or expired. Begin again.')

/** Completes a sign-in. The asserted user is, or becomes, a member of the organization that trusts the provider. */
export const finish = change(
  'openid.finish',
  Callback,
  'public',
  async (anyone, { organizationId, state, callbackUrl, browser }, note) => {
    const flow = await useFlow(anyone, organizationId, state, browser)
    const ctx: Context = { ...anyone, orgId: flow.organizationId }
    const { provider, settings } = await providerOf(ctx)
    const identity = await ctx.runtime.openId.finish(provider, flow, callbackUrl)
    note({ resourceType: 'user', detail: 'by OpenID Connect' }, ctx)
    const user = await memberOf(ctx, identity, settings)
    note({ resourceId: user.id }, { ...ctx, actor: { ...ctx.actor, kind: 'user', id: user.id } })
    return await Session.open(ctx, user, 'openid')
  },
)

async function useFlow(
  anyone: Context,
  organizationId: string,
  state: string,
  browser: string | undefined,
): Promise<Flow> {
  const flow = await anyone.tables.signInFlows.get(noOrganization, Secret.hashOf(state))
  // Login CSRF: only the browser that began may finish. Mix-up: each organization has its own callback.
  const isSameBrowser =
    flow?.organizationId === organizationId &&
    browser !== undefined &&
    Secret.isSame(Secret.hashOf(browser), flow.browser)
  if (!isSameBrowser || flow.usedAt !== undefined || anyone.now().getTime() / 1000 >= flow.expiresAt) throw refused()
  try {
    await anyone.tables.signInFlows.replace(
      noOrganization,
      { ...flow, usedAt: anyone.now().toISOString() },
      { usedAt: undefined },
    )
    return flow
  } catch (error) {
    throw isFault(error, 'conflict') ? refused() : error
  }
}

const notMember = () =>
  new Fault('forbidden', 'You are not a member of this organization. Ask an admin for an invitation.')

/** Finds the asserted member; a provider can only assert members of its own organization. */
async function memberOf(
  ctx: Context,
  { issuer, subject, email: given, emailVerified, name }: OpenIdIdentity,
  settings: Organization.SignIn,
): Promise<User.Info> {
  const email = Email.Email.safeParse(given)
  if (!email.success || !emailVerified)
    throw new Fault(
      'forbidden',
      `Your provider does not assert that your e-mail address is verified.${verificationHint(settings.issuer)}`,
    )
  const entry = await Email.find(ctx, Email.hashOf(email.data))
  const openId = { issuer, subject }
  if (entry?.orgId !== ctx.orgId)
    return await join(ctx, { email: email.data, openId, fullName: name ?? null }, entry !== undefined, settings)
  const user = await User.load(ctx, entry.userId)
  const isOtherSubject = user.openId !== undefined && user.openId.issuer === issuer && user.openId.subject !== subject
  if (!user.isActive || isOtherSubject) throw notMember()
  const { after } = await User.edit(ctx, user.id, () => ({
    openId,
    emailVerified: true,
    lastLogin: ctx.now().toISOString(),
  }))
  return after
}

type Newcomer = Pick<User.Info, 'email' | 'fullName' | 'openId'>

/**
 * Adds a user by invitation, or by domain. A provider's assertion alone takes no address from another organization: the
 * mailed token must have been presented.
 */
async function join(
  ctx: Context,
  newcomer: Newcomer,
  isElsewhere: boolean,
  { newUsers }: Organization.SignIn,
): Promise<User.Info> {
  const { email } = newcomer
  const invitation = await InvitationRedemption.openFor(ctx, email)
  const given = { ...newcomer, id: ctx.newId('usr'), emailVerified: true, lastLogin: ctx.now().toISOString() }
  if (invitation && (!isElsewhere || invitation.isProven)) {
    return await InvitationRedemption.accept(
      ctx,
      invitation,
      User.created(ctx, { ...given, role: invitation.role }),
      undefined,
    )
  }
  if (isElsewhere || !newUsers?.domains.includes(email.slice(email.lastIndexOf('@') + 1))) throw notMember()
  return await addUser(ctx, User.created(ctx, { ...given, role: newUsers.role }), undefined)
}

const domains = z
  .array(
    z
      .string()
      .trim()
      .toLowerCase()
      .max(253)
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain, such as example.com'),
  )
  .min(1)
  .max(50)

/** The provider's settings without the client secret. */
export const Public = z.object({
  issuer: z.string(),
  clientId: z.string(),
  hasClientSecret: z.boolean(),
  newUsers: z.object({ domains, role: z.enum(['viewer', 'analyst', 'engineer', 'devops', 'cfo']) }).nullable(),
  passwords: z.boolean(),
})

const Input = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: "must be the provider's URL" })
    .max(512)
    .describe(
      'Base URL of its discovery document, such as `https://accounts.google.com`; Microsoft Entra: `https://login.microsoftonline.com/{tenant id}/v2.0`.',
    ),
  clientId: z.string().min(1).max(512),
  clientSecret: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe('Stored encrypted, never shown. If omitted, the stored secret stays for the same issuer and client.'),
  newUsers: z
    .strictObject({ domains, role: z.enum(['viewer', 'analyst', 'engineer', 'devops', 'cfo']) })
    .nullable()
    .default(null)
    .describe(
      'Users with a verified address of these domains become members with this role. Null: only members and invited users can sign in.',
    ),
  passwords: z
    .boolean()
    .default(true)
    .describe('Whether members may also sign in with a password. Admins always may, in case the provider fails.'),
})

function toPublic({
  issuer,
  clientId,
  sealedSecret,
  newUsers,
  passwords,
}: Organization.SignIn): z.infer<typeof Public> {
  return { issuer, clientId, hasClientSecret: sealedSecret !== undefined, newUsers: newUsers ?? null, passwords }
}

const notConfigured = () => new Fault('not_found', 'No OpenID Connect provider is configured.')

export const get = command('sign-in.get', z.strictObject({}), 'write:identity', async (ctx) => {
  const { signIn } = await Organization.load(ctx)
  if (!signIn) throw notConfigured()
  return toPublic(signIn)
})

/** Replaces the provider. */
export const put = change(
  'sign-in.put',
  Input,
  'write:identity',
  async (ctx, { clientSecret, newUsers, ...given }, note) => {
    await User.requireVerifiedEmail(ctx)
    const fresh = clientSecret === undefined ? undefined : await Envelope.seal(ctx, purpose, clientSecret)
    const { before, after } = await Organization.edit(ctx, ({ signIn: old }) => {
      const isSame = old?.issuer === given.issuer && old.clientId === given.clientId
      const sealedSecret = fresh ?? (isSame ? old.sealedSecret : undefined)
      return {
        signIn: { ...given, ...(sealedSecret !== undefined && { sealedSecret }), ...(newUsers && { newUsers }) },
      }
    })
    const answer = toPublic(after.signIn ?? given)
    note({
      resourceType: 'sign_in',
      resourceId: ctx.orgId,
      ...(before.signIn && { before: toPublic(before.signIn) }),
      after: answer,
    })
    return answer
  },
)

/** Removes the provider. */
export const remove = change('sign-in.delete', z.strictObject({}), 'write:identity', async (ctx, _, note) => {
  const { before } = await Organization.edit(ctx, ({ signIn }) => {
    if (!signIn) throw notConfigured()
    return { signIn: undefined }
  })
  note({ resourceType: 'sign_in', resourceId: ctx.orgId, ...(before.signIn && { before: toPublic(before.signIn) }) })
  return { success: true }
})
