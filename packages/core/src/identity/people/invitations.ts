import { event } from '../../effects/relay.ts'
import * as Members from './members.ts'
import * as z from 'zod'
import { asUser } from '../../effects/context.ts'
import { change, command } from '../../guard/command.ts'
import { Fault } from '../../kernel/fault.ts'
import { byId } from '../../kernel/name.ts'
import { paged, Page } from '../../effects/paged.ts'
import * as RateLimit from '../../guard/rate-limit.ts'
import * as Email from './email.ts'
import * as Invitation from './invitation.ts'
import * as MailedToken from '../sign-in/mailed-token.ts'
import * as Password from '../sign-in/password.ts'
import { openFirst } from '../sign-in/register.ts'
import * as User from './user.ts'

const days = 7

/** The caller's own address must be verified, to prevent spam. */
export const create = change(
  'invitations.create',
  z.strictObject({ email: Email.Email, role: User.RoleName }),
  'write:users',
  async (ctx, { email, role }, note) => {
    await User.requireVerifiedEmail(ctx)
    Members.requireGrantable(ctx, role)
    await RateLimit.spend(ctx, { name: 'invitations', most: 200, windowSeconds: 24 * 3600 })
    const held = await Email.find(ctx, Email.hashOf(email))
    // Accounts in other organizations are not disclosed: the invitation is mailed anyway.
    if (held?.orgId === ctx.orgId) throw memberAlready(await User.load(ctx, held.userId))
    const now = ctx.now()
    const invitation: Invitation.Info = {
      id: ctx.newId('inv'),
      email,
      role,
      status: 'open',
      invitedBy: ctx.actor.id,
      createdAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + days * 24 * 3600 * 1000).toISOString(),
    }
    note({ resourceType: 'invitation', resourceId: invitation.id, after: { role } })
    const requested = event(ctx, 'mail.requested', { kind: 'invitation', to: invitation.id })
    await ctx.tables.invitations.put(ctx.orgId, invitation, [requested])
    return Invitation.toPublic(invitation, now)
  },
)

function memberAlready({ id, isActive }: User.Info) {
  const message = isActive ? 'is already a member' : 'is a deactivated member'
  const advice = isActive ? '' : ` Reactivate the user: POST /v1/users/${id}/reactivate.`
  return new Fault('conflict', `This user ${message} of your organization.${advice}`, [{ path: 'email', message }])
}

export const list = command('invitations.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = await paged(ctx.tables.invitations, ctx.orgId, page, { descending: true })
  return { invitations: items.map((invitation) => Invitation.toPublic(invitation, ctx.now())), pagination }
})

const ById = byId("The invitation's id.")

export const revoke = change('invitations.revoke', ById, 'write:users', async (ctx, { id: resourceId }, note) => {
  const invitation = await ctx.tables.invitations.get(ctx.orgId, resourceId)
  if (!invitation) throw new Fault('not_found', `Invitation ${resourceId} does not exist.`)
  const after = { status: 'revoked' } as const
  await Invitation.end(ctx, invitation, after)
  note({ resourceType: 'invitation', resourceId, before: { status: invitation.status }, after })
  return { success: true }
})

const Accept = MailedToken.Input.extend({
  password: Password.Chosen,
  fullName: User.FullName.optional(),
})

/** Throws Fault `conflict` if the address is in use, or if only the provider's sign-in can accept. */
export const accept = change(
  'invitations.accept',
  Accept,
  'public',
  async (anyone, { token, password, fullName }, note) => {
    const id = anyone.newId('usr')
    const { ctx, invitation } = await Invitation.redeemable(anyone, token, id)
    if (!(await Password.mayUsePassword(ctx, invitation))) return await Invitation.redirectToProvider(ctx, invitation)
    await Password.check(password, 'password', [invitation.email])
    const passwordHash = await ctx.runtime.passwords.hash(password)
    const { email, role } = invitation
    const given = User.created(ctx, { id, email, role, emailVerified: true, fullName: fullName ?? null })
    note({ resourceType: 'user', resourceId: id }, asUser(ctx, id))
    const user = await Invitation.accept(ctx, { ...invitation, isProven: true }, given, passwordHash)
    note({ after: { role: user.role, invitation: invitation.id } })
    return { ...(await openFirst(ctx, user, 'invitation')), userId: user.id, organizationId: ctx.orgId }
  },
)
