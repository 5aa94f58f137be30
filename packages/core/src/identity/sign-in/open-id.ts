import * as z from 'zod'
import { change } from '../../guard/command.ts'
import { asUser, type Context, expiryIn, noOrganization } from '../../effects/context.ts'
import * as Envelope from '../../guard/envelope.ts'
import { Fault, onConflict, raise } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import type { OpenIdFlow, OpenIdIdentity } from '../../effects/runtime.ts'
import * as Email from '../people/email.ts'
import * as Invitation from '../people/invitation.ts'
import { addUser } from './register.ts'
import * as Secret from '../credentials/secret.ts'
import { providerSetting, requireUsable } from '../credentials/provider-setting.ts'
import * as Session from '../credentials/session.ts'
import * as User from '../people/user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    signInFlows: Table<Flow>
  }
}

export interface Flow extends OpenIdFlow {
  id: string
  organizationId: string
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

async function providerOf(ctx: Context) {
  const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
  // Do not disclose whether the organization exists.
  if (!organization?.signIn) throw new Fault('not_found', 'This organization has no sign-in provider.')
  const { signIn: settings } = organization
  const { issuer, clientId, sealedSecret } = settings
  const clientSecret = sealedSecret === undefined ? undefined : await Envelope.open(ctx, purpose, sealedSecret)
  return { provider: { issuer, clientId, clientSecret }, settings }
}

export const begin = change(
  'openid.begin',
  z.strictObject({ organizationId: OrganizationId, redirectUri: z.url() }),
  'public',
  async (anyone, { organizationId, redirectUri }) => {
    const ctx: Context = { ...anyone, orgId: organizationId }
    const { provider } = await providerOf(ctx)
    const { url, ...flow } = await ctx.runtime.openId.begin(provider, redirectUri)
    const browser = Secret.random()
    await ctx.tables.signInFlows.put(noOrganization, {
      ...flow,
      id: Secret.hashOf(flow.state),
      organizationId,
      browser: Secret.hashOf(browser),
      expiresAt: expiryIn(ctx, flowSeconds),
    })
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
    note({ resourceId: user.id }, asUser(ctx, user.id))
    return await Session.open(ctx, user, 'openid')
  },
)

async function useFlow(anyone: Context, organizationId: string, state: string, browser?: string) {
  const flow = await anyone.tables.signInFlows.get(noOrganization, Secret.hashOf(state))
  // Login CSRF: only the browser that began may finish. Mix-up: each organization has its own callback.
  const isSameBrowser =
    flow?.organizationId === organizationId &&
    browser !== undefined &&
    Secret.isSame(Secret.hashOf(browser), flow.browser)
  if (!isSameBrowser || flow.usedAt !== undefined || anyone.now().getTime() / 1000 >= flow.expiresAt) throw refused()
  const used = { ...flow, usedAt: anyone.now().toISOString() }
  await onConflict(anyone.tables.signInFlows.replace(noOrganization, used, { usedAt: undefined }), () =>
    raise(refused()),
  )
  return flow
}

const notMember = () =>
  new Fault('forbidden', 'You are not a member of this organization. Ask an admin for an invitation.')

async function memberOf(
  ctx: Context,
  { issuer, subject, email: given, emailVerified, name }: OpenIdIdentity,
  settings: Organization.SignIn,
) {
  const email = Email.Email.safeParse(given)
  if (!email.success || !emailVerified)
    throw new Fault(
      'forbidden',
      `Your provider does not assert that your e-mail address is verified.${Email.verificationHint(settings.issuer)}`,
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

/** An address of another organization needs a redeemed invitation. */
async function join(
  ctx: Context,
  newcomer: Pick<User.Info, 'email' | 'fullName' | 'openId'>,
  isElsewhere: boolean,
  { newUsers }: Organization.SignIn,
) {
  const { email } = newcomer
  const invitation = await Invitation.openFor(ctx, email)
  const given = { ...newcomer, id: ctx.newId('usr'), emailVerified: true, lastLogin: ctx.now().toISOString() }
  if (invitation && (!isElsewhere || invitation.isProven)) {
    const user = User.created(ctx, { ...given, role: invitation.role })
    return await Invitation.accept(ctx, invitation, user)
  }
  if (isElsewhere || !newUsers?.domains.includes(email.slice(email.lastIndexOf('@') + 1))) throw notMember()
  return await addUser(ctx, User.created(ctx, { ...given, role: newUsers.role }), undefined)
}

const domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain, such as example.com')

const NewUsers = z.strictObject({
  domains: z.array(domain).min(1).max(50),
  role: z.enum(['viewer', 'analyst', 'engineer', 'devops', 'cfo']),
})

export const Public = z.object({
  issuer: z.string(),
  clientId: z.string(),
  hasClientSecret: z.boolean(),
  newUsers: NewUsers.nullable(),
  passwords: z.boolean(),
})

const Input = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: "must be the provider's URL" })
    .max(512)
    .describe(
      'Base URL of its discovery document, such as `https://accounts.google.com`; Microsoft Entra: ' +
        '`https://login.microsoftonline.com/{tenant id}/v2.0`.',
    ),
  clientId: z.string().min(1).max(512),
  clientSecret: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe('Stored encrypted, never shown. If omitted, the stored secret stays for the same issuer and client.'),
  newUsers: NewUsers.nullable()
    .default(null)
    .describe(
      'Users with a verified address of these domains become members with this role. Null: only members and ' +
        'invited users can sign in.',
    ),
  passwords: z
    .boolean()
    .default(true)
    .describe('Whether members may also sign in with a password. Admins always may, in case the provider fails.'),
})

const setting = providerSetting('signIn', {
  noun: 'sign-in',
  resourceType: 'sign_in',
  missing: 'No OpenID Connect provider is configured.',
  toPublic: ({ sealedSecret, newUsers = null, ...shown }): z.infer<typeof Public> =>
    Public.parse({ ...shown, newUsers, hasClientSecret: sealedSecret !== undefined }),
})

export const { get, remove } = setting

export const put = setting.put(Input, async (ctx, { clientSecret, newUsers, ...given }) => {
  await requireUsable(ctx.runtime.openId.check({ ...given, clientSecret }))
  const fresh = clientSecret === undefined ? undefined : await Envelope.seal(ctx, purpose, clientSecret)
  return (old) => {
    const isSame = old?.issuer === given.issuer && old.clientId === given.clientId
    return { ...given, sealedSecret: fresh ?? (isSame ? old.sealedSecret : undefined), newUsers: newUsers ?? undefined }
  }
})
