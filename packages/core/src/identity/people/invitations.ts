import { event } from '../../effects/relay.ts'
import * as Members from './members.ts'
import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import { Fault } from '../../kernel/fault.ts'
import { Page, paged } from '../../kernel/page.ts'
import * as RateLimit from '../../guard/rate-limit.ts'
import * as Email from './email.ts'
import * as InvitationRedemption from './invitation-redemption.ts'
import * as Password from '../sign-in/password.ts'
import { mayUsePassword } from '../sign-in/password-policy.ts'
import { openFirst } from '../sign-in/register.ts'
import * as User from './user.ts'
import { type Info, toPublic } from './invitation.ts'

const days = 7
const maxPerDay = 200

/** Invites a user by mail. The inviting user's own address must be verified, to prevent spam. */
export const create = change(
  'invitations.create',
  z.strictObject({ email: Email.Email, role: User.RoleName }),
  'write:users',
  async (ctx, { email, role }, note) => {
    await User.requireVerifiedEmail(ctx)
    Members.requireGrantable(ctx, role)
    await RateLimit.spend(ctx, { name: 'invitations', most: maxPerDay, windowSeconds: 24 * 3600 })
    const held = await Email.find(ctx, Email.hashOf(email))
    // Accounts in other organizations are not disclosed: the invitation is mailed anyway.
    if (held?.orgId === ctx.orgId) throw memberAlready(await User.load(ctx, held.userId))
    const now = ctx.now()
    const expiresAt = new Date(now.getTime() + days * 24 * 3600 * 1000).toISOString()
    const invitation: Info = {
      id: ctx.newId('inv'),
      email,
      role,
      status: 'open',
      invitedBy: ctx.actor.id,
      createdAt: now.toISOString(),
      expiresAt,
    }
    note({ resourceType: 'invitation', resourceId: invitation.id, after: { role } })
    const requested = event(ctx, 'mail.requested', { kind: 'invitation', to: invitation.id })
    await ctx.tables.invitations.put(ctx.orgId, invitation, [requested])
    return toPublic(invitation, now)
  },
)

function memberAlready({ id, isActive }: User.Info): Fault {
  const [said, message] = isActive
    ? ['This user is already a member of your organization.', 'is already a member']
    : [
        `This user is a deactivated member of your organization. Reactivate the user: POST /v1/users/${id}/reactivate.`,
        'is a deactivated member',
      ]
  return new Fault('conflict', said, [{ path: 'email', message }])
}

/** Invitations, the newest first. */
export const list = command('invitations.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = paged((await ctx.tables.invitations.all(ctx.orgId)).toReversed(), page)
  return { invitations: items.map((invitation) => toPublic(invitation, ctx.now())), pagination }
})

const ById = z.strictObject({ id: z.string().min(1).max(128).describe("The invitation's id.") })

/** Revokes an invitation. Throws Fault `conflict` if it was accepted. */
export const revoke = change('invitations.revoke', ById, 'write:users', async (ctx, { id }, note) => {
  const invitation = await ctx.tables.invitations.get(ctx.orgId, id)
  if (!invitation) throw new Fault('not_found', `Invitation ${id} does not exist.`)
  await InvitationRedemption.end(ctx, invitation, { status: 'revoked' })
  note({
    resourceType: 'invitation',
    resourceId: id,
    before: { status: invitation.status },
    after: { status: 'revoked' },
  })
  return { success: true }
})

const Accept = z.strictObject({
  token: z.string().min(1).max(1024),
  password: Password.Chosen,
  fullName: User.FullName.optional(),
})

/**
 * Accepts an invitation; its token proves the address. Throws Fault `conflict` if the address is in use, or if
 * passwords are disabled: then the invitation stays open for the provider.
 */
export const accept = change(
  'invitations.accept',
  Accept,
  'public',
  async (anyone, { token, password, fullName }, note) => {
    const id = anyone.newId('usr')
    const { ctx, invitation } = await InvitationRedemption.redeemable(anyone, token, id)
    if (!(await mayUsePassword(ctx, invitation))) return await InvitationRedemption.redirectToProvider(ctx, invitation)
    await Password.check(password, 'password', [invitation.email])
    const passwordHash = await ctx.runtime.passwords.hash(password)
    const given = User.created(ctx, {
      id,
      email: invitation.email,
      role: invitation.role,
      emailVerified: true,
      fullName: fullName ?? null,
    })
    note({ resourceType: 'user', resourceId: id }, { ...ctx, actor: { ...ctx.actor, kind: 'user', id } })
    const user = await InvitationRedemption.accept(ctx, { ...invitation, isProven: true }, given, passwordHash)
    note({ after: { role: user.role, invitation: invitation.id } })
    return { ...(await openFirst(ctx, user, 'invitation')), userId: user.id, organizationId: ctx.orgId }
  },
)
