import * as z from 'zod'
import * as User from './user.ts'
import * as Members from './members.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, invalid, onConflict, raise } from '../../kernel/fault.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import * as ApiKey from '../credentials/api-key.ts'
import * as Email from './email.ts'
import { addUser } from '../sign-in/register.ts'
import * as Secret from '../credentials/secret.ts'
import * as TakeOver from './take-over.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    invitations: Table<Info>
  }
}

export const Public = z.object({
  id: z.string(),
  email: z.string(),
  role: User.RoleName,
  status: z.enum(['open', 'accepted', 'revoked', 'expired']),
  invitedBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  status: 'open' | 'accepted' | 'revoked'
  hash?: string
  userId?: string
  isProven?: true
}

export function toPublic(invitation: Info, now: Date): z.infer<typeof Public> {
  const isExpired = invitation.status === 'open' && invitation.expiresAt <= now.toISOString()
  return Public.parse({ ...invitation, status: isExpired ? 'expired' : invitation.status })
}

export async function end(
  ctx: Context,
  invitation: Info,
  ended: { status: 'revoked' } | { status: 'accepted'; userId: string },
): Promise<void> {
  if (invitation.status === ended.status) return
  const closed = ctx.tables.invitations.replace(ctx.orgId, { ...invitation, ...ended }, { status: 'open' })
  await onConflict(closed, () => raise(new Fault('conflict', 'This invitation was already accepted or revoked.')))
}

/** Open, or accepted by an earlier attempt of the request; else throws Fault `invalid`. */
export async function redeemable(
  anyone: Context,
  token: string,
  userId: string,
): Promise<{ ctx: Context; invitation: Info }> {
  const secret = Secret.read('invitation', token)
  const ctx: Context = { ...anyone, orgId: secret?.orgId ?? anyone.orgId }
  const invitation = secret && (await ctx.tables.invitations.get(ctx.orgId, secret.id))
  const isGood = invitation && Secret.isSame(Secret.hashOf(secret.value), invitation.hash)
  if (isGood && ((await isOpen(ctx, invitation)) || (await isRetried(ctx, invitation, userId))))
    return { ctx, invitation }
  throw invalid('token', 'This invitation', 'is invalid or expired', 'Ask for a new one.')
}

async function isOpen(ctx: Context, invitation: Info) {
  return invitation.status === 'open' && (await isValid(ctx, invitation))
}

/** A retry does not readmit a user deactivated since. */
async function isRetried(ctx: Context, invitation: Info, userId: string) {
  if (invitation.status !== 'accepted' || invitation.userId !== userId) return false
  const user = await ctx.tables.users.get(ctx.orgId, userId)
  return user?.isActive !== false && (await isValid(ctx, invitation))
}

/** Not expired, and the inviting user or key still has the right to invite. */
async function isValid(ctx: Context, { invitedBy, expiresAt }: Info) {
  if (expiresAt <= ctx.now().toISOString()) return false
  const key = await ctx.tables.apiKeys.get(ctx.orgId, invitedBy)
  if (key && !(ApiKey.isLive(key, ctx.now()) && key.permissions.includes('write:users'))) return false
  const user = await ctx.tables.users.get(ctx.orgId, key?.createdBy ?? invitedBy)
  return user?.isActive === true && permissionsOf(user.role).has('write:users')
}

export async function openFor(ctx: Context, email: string): Promise<Info | undefined> {
  const theirs = await ctx.tables.invitations.select(ctx.orgId, { where: { email }, descending: true })
  for (const invitation of theirs.items) if (await isOpen(ctx, invitation)) return invitation
  return undefined
}

/** Marks the address as proven. Throws Fault `conflict`. */
export async function redirectToProvider(ctx: Context, invitation: Info): Promise<never> {
  const { status, hash } = invitation
  if (status === 'open')
    await ctx.tables.invitations.replace(ctx.orgId, { ...invitation, isProven: true }, { status, hash })
  throw new Fault(
    'conflict',
    `This organization uses its own sign-in provider. Open /v1/auth/oidc/${ctx.orgId} in a browser to accept the ` +
      'invitation.',
  )
}

/** Only a proven address may be taken over from another account. */
export async function accept(...given: Parameters<typeof join>): Promise<User.Info> {
  const [ctx, , { role }] = given
  const run = () => join(...given)
  return await (role === 'admin' ? Members.withUserLock(ctx, run) : run())
}

async function join(ctx: Context, invitation: Info, user: User.Info, passwordHash?: string) {
  // Closes the invitation first: of concurrent attempts, or an attempt and a revocation, only one succeeds.
  await end(ctx, invitation, { status: 'accepted', userId: user.id })
  try {
    const member = await addUser(ctx, user, passwordHash, { claim: invitation.isProven ? TakeOver.claim : Email.claim })
    await Members.addToAdmins(ctx, member)
    return member
  } catch (error) {
    await reopen(ctx, invitation, user)
    throw error
  }
}

async function reopen(ctx: Context, invitation: Info, { id }: User.Info) {
  if (Email.isOf(await Email.find(ctx, Email.hashOf(invitation.email)), { orgId: ctx.orgId, userId: id })) return
  await ctx.tables.invitations.replace(ctx.orgId, { ...invitation, status: 'open' }, { status: 'accepted' })
}
