import * as z from 'zod'
import { change, command } from '../command.ts'
import type { Context } from '../context.ts'
import { Fault, isFault } from '../fault.ts'
import { Page, paged } from '../page.ts'
import { permissionsOf } from '../permission.ts'
import * as RateLimit from '../rate-limit.ts'
import * as Email from './email.ts'
import * as Mailed from './mailed.ts'
import * as Password from './password.ts'
import { addUser } from './register.ts'
import * as Secret from './secret.ts'
import * as Session from './session.ts'
import * as User from './user.ts'

/** Somebody who may join the organisation. */
export const Public = z.object({
  id: z.string(),
  email: z.string(),
  role: User.RoleName,
  status: z.enum(['open', 'accepted', 'revoked', 'expired']),
  invitedBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

/** An invitation as it is kept. */
export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  status: 'open' | 'accepted' | 'revoked'
  /** Of the token that was mailed last. */
  hash?: string
  /** The user that was made of it. */
  userId?: string
}

const days = 7
const mostInDay = 200

function shown(invitation: Info, now: Date): z.infer<typeof Public> {
  const isExpired = invitation.status === 'open' && invitation.expiresAt <= now.toISOString()
  return Public.parse({ ...invitation, status: isExpired ? 'expired' : invitation.status })
}

/** Invites somebody by mail. Only who has confirmed their own address can: else anybody could have us write to strangers. */
export const create = change(
  'invitations.create',
  z.strictObject({ email: Email.Email, role: User.RoleName }),
  'write:users',
  async (ctx, { email, role }, note) => {
    await User.demandConfirmed(ctx)
    User.demandNoMore(ctx, role)
    await RateLimit.spend(ctx, { name: 'invitations', most: mostInDay, windowSeconds: 24 * 3600 })
    const held = await Email.find(ctx, Email.hashOf(email))
    // Whether somebody is with another company is nobody's business: they get the mail, and can say that they are.
    if (held?.orgId === ctx.orgId)
      throw new Fault('conflict', 'They are a member of your organisation already.', [{ path: 'email', message: 'is a member already' }])
    const now = ctx.now()
    const expiresAt = new Date(now.getTime() + days * 24 * 3600 * 1000).toISOString()
    const invitation: Info = { id: ctx.newId('inv'), email, role, status: 'open', invitedBy: ctx.actor.id, createdAt: now.toISOString(), expiresAt }
    await ctx.runtime.tables.invitations.put(ctx.orgId, invitation)
    await Mailed.request(ctx, 'invitation', invitation.id)
    note({ resourceType: 'invitation', resourceId: invitation.id, after: { role } })
    return shown(invitation, now)
  },
)

/** All invitations, the newest first. */
export const list = command('invitations.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = paged((await ctx.runtime.tables.invitations.all(ctx.orgId)).toReversed(), page)
  return { invitations: items.map((invitation) => shown(invitation, ctx.now())), pagination }
})

const ById = z.strictObject({ id: z.string().min(1).max(128).describe("The invitation's id.") })

/** Takes an invitation back. Throws Fault `conflict` when it was accepted. */
export const revoke = change('invitations.revoke', ById, 'write:users', async (ctx, { id }, note) => {
  const invitation = await ctx.runtime.tables.invitations.get(ctx.orgId, id)
  if (!invitation) throw new Fault('not_found', `There is no invitation ${id}.`)
  await end(ctx, invitation, { status: 'revoked' })
  note({ resourceType: 'invitation', resourceId: id, before: { status: invitation.status }, after: { status: 'revoked' } })
  return { success: true }
})

async function end(ctx: Context, invitation: Info, ended: { status: 'revoked' } | { status: 'accepted'; userId: string }): Promise<void> {
  if (invitation.status === ended.status) return
  try {
    await ctx.runtime.tables.invitations.replace(ctx.orgId, { ...invitation, ...ended }, { status: 'open' })
  } catch (error) {
    throw isFault(error, 'conflict') ? new Fault('conflict', 'This invitation was accepted or taken back already.') : error
  }
}

const Accept = z.strictObject({ token: z.string().min(1).max(1024), password: Password.Chosen, fullName: User.FullName.optional() })

/** Joins an organisation with a mailed token: the address is proven by it. */
export const accept = change('invitations.accept', Accept, 'public', async (anyone, { token, password, fullName }, note) => {
  const id = anyone.newId('usr')
  const { ctx, invitation } = await redeemable(anyone, token, id)
  await Password.check(password, 'password', [invitation.email])
  const passwordHash = await ctx.runtime.passwords.hash(password)
  const user = User.created(ctx, { id, email: invitation.email, role: invitation.role, emailVerified: true, fullName: fullName ?? null })
  const join = async (): Promise<void> => await takeUp(ctx, invitation, user, passwordHash)
  await note.ahead({ resourceType: 'user', resourceId: user.id }, { ...ctx, actor: { ...ctx.actor, kind: 'user', id: user.id } })
  await (user.role === 'admin' ? User.alone(ctx, join) : join())
  note({ after: { role: user.role, invitation: invitation.id } })
  return { ...(await Session.open(ctx, user, 'invitation')), userId: user.id, organizationId: ctx.orgId }
})

async function takeUp(ctx: Context, invitation: Info, user: User.Info, passwordHash: string): Promise<void> {
  // First: of two who come with the same token, or of one who comes while it is taken back, only one gets further.
  await end(ctx, invitation, { status: 'accepted', userId: user.id })
  try {
    await addUser(ctx, user, passwordHash)
  } catch (error) {
    await ctx.runtime.tables.invitations.replace(ctx.orgId, invitation, { status: 'accepted' })
    throw error
  }
  await User.appointIfAdmin(ctx, user)
}

/** The invitation of a token that is good: still open, or accepted by this very request, which was cut off and comes again with its key. */
async function redeemable(anyone: Context, token: string, userId: string): Promise<{ ctx: Context; invitation: Info }> {
  const secret = Secret.read('invitation', token)
  const ctx: Context = { ...anyone, orgId: secret?.orgId ?? anyone.orgId }
  const invitation = secret && (await ctx.runtime.tables.invitations.get(ctx.orgId, secret.id))
  const isOpen = invitation?.status === 'open' || (invitation?.status === 'accepted' && invitation.userId === userId)
  const isGood = isOpen && Secret.isSame(Secret.hashOf(secret?.value ?? ''), invitation?.hash)
  if (!isGood || invitation.expiresAt <= ctx.now().toISOString() || !(await isStandingFor(ctx, invitation))) {
    throw new Fault('invalid', 'This invitation is not good, or no longer. Ask for another one.', [{ path: 'token', message: 'is not good, or no longer' }])
  }
  return { ctx, invitation }
}

/** Whether whoever invited could still do so: nobody comes in by somebody who had to go. */
async function isStandingFor(ctx: Context, { invitedBy }: Info): Promise<boolean> {
  const key = await ctx.runtime.tables.apiKeys.get(ctx.orgId, invitedBy)
  const user = await ctx.runtime.tables.users.get(ctx.orgId, key?.createdBy ?? invitedBy)
  return user?.isActive === true && permissionsOf(user.role).has('write:users')
}
