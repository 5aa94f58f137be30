import { type Context, noOrganization } from '../../effects/context.ts'
import type { Event } from '../../kernel/event.ts'
import { isFault } from '../../kernel/fault.ts'
import { shortened } from '../../kernel/name.ts'
import * as Idempotency from '../../guard/idempotency.ts'
import * as RateLimit from '../../guard/rate-limit.ts'
import * as Secret from '../credentials/secret.ts'
import * as Email from '../people/email.ts'
import type * as User from '../people/user.ts'
import { type Kind, mint } from './mailed-token.ts'
import { mayUsePassword } from './password.ts'

/** Once per event. Unknown addresses get no mail and no error. */
export async function send(anyone: Context, event: Event<'mail.requested'>): Promise<void> {
  await Idempotency.once(anyone, { key: event.id, request: event.data }, () => sendOnce(anyone, event))
}

async function sendOnce(anyone: Context, { data, orgId }: Event<'mail.requested'>) {
  const publicUrl = anyone.runtime.publicUrl()
  if (data.kind === 'invitation') return await sendInvitation({ ...anyone, orgId }, data.to, publicUrl)
  const entry = await Email.find(anyone, data.to)
  const user = entry && (await anyone.tables.users.get(entry.orgId, entry.userId))
  if (!entry || !user?.isActive || (await isOverLimit(anyone, data.kind, data.to))) return
  if (data.kind === 'reset-password' && !(await mayUsePassword({ ...anyone, orgId: entry.orgId }, user))) return
  const ctx: Context = { ...anyone, orgId: entry.orgId }
  await anyone.runtime.mail.send({ to: user.email, ...(await letterOf(ctx, data.kind, user, publicUrl)) })
}

async function isOverLimit(anyone: Context, kind: string, emailHash: string) {
  const limit = { name: `mail/${kind}/${emailHash}`, most: 5, windowSeconds: 3600 }
  try {
    await RateLimit.spend({ ...anyone, orgId: noOrganization }, limit)
    return false
  } catch (error) {
    if (!isFault(error, 'rate_limited')) throw error
    anyone.log.warn('a mail was dropped: hourly limit of its recipient')
    return true
  }
}

async function letterOf(ctx: Context, kind: Kind | 'password-changed', { id }: User.Info, publicUrl: string) {
  const ask = async (kind: Kind, path: string, body: object = {}) =>
    curlOf(`${publicUrl}/v1/auth/${path}`, { token: await mint(ctx, kind, id), ...body })
  switch (kind) {
    case 'verify-email':
      return letter(
        'Confirm your e-mail address',
        `To confirm that this address is yours, run within 48 hours:\n\n${await ask(kind, 'email/verify')}`,
      )
    case 'reset-password':
      return letter(
        'Choose a new password',
        'To choose a new password, put it in place of the dots and run within an hour:\n\n' +
          `${await ask(kind, 'password/reset', { new_password: '...' })}\n\n` +
          'If you did not request this, ignore this mail.',
      )
    case 'password-changed':
      return letter(
        'Your password was changed',
        `It was changed at ${ctx.now().toISOString()}, and all other sessions were ended.\n` +
          'If that was not you, ask for a new password at once, and tell an admin.',
      )
  }
}

async function sendInvitation(ctx: Context, id: string, publicUrl: string) {
  const { invitations, organizations } = ctx.tables
  const invitation = await invitations.get(ctx.orgId, id)
  const organization = await organizations.get(ctx.orgId, ctx.orgId)
  if (invitation?.status !== 'open' || !organization) return
  if (await isOverLimit(ctx, 'invitation', Email.hashOf(invitation.email))) return
  const value = Secret.random()
  await invitations.replace(ctx.orgId, { ...invitation, hash: Secret.hashOf(value) }, { status: 'open' })
  const token = Secret.write('invitation', { orgId: ctx.orgId, id, value })
  const call = curlOf(`${publicUrl}/v1/auth/invitations/accept`, { token, password: '...', full_name: '...' })
  const how = (await mayUsePassword(ctx, invitation))
    ? `To accept, put a password and your name in place of the dots and run within a week:\n\n${call}`
    : "To accept, sign in with your organization's provider within a week:\n\n" +
      `${publicUrl}/v1/auth/oidc/${ctx.orgId}\n\n` +
      `If it does not know you there, prove first that this address is yours, and sign in again:\n\n${call}`
  const text = `You are invited to ${shortened(organization.name)} as ${invitation.role}. ${how}`
  await ctx.runtime.mail.send({ to: invitation.email, ...letter('You are invited to CloudOptima', text) })
}

function curlOf(url: string, body: object) {
  return `curl -X POST '${url}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`
}

function letter(subject: string, text: string) {
  return { subject: `CloudOptima: ${subject}`, text: `${text}\n` }
}
