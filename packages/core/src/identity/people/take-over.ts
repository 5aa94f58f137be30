import * as Members from './members.ts'
import { system } from '../../kernel/actor.ts'
import * as Audit from '../../guard/audit.ts'
import { type Context, noOrganization } from '../../effects/context.ts'
import { onConflict, raise } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import * as Email from './email.ts'
import * as Session from '../credentials/session.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import * as User from './user.ts'

/** Even of a deactivated user or of an unused account, else throws Fault `conflict`. */
export async function claim(ctx: Context, email: string, userId: string): Promise<void> {
  await onConflict(Email.claim(ctx, email, userId), async (conflict) => {
    const held = await Email.find(ctx, Email.hashOf(email))
    if (!held) throw conflict
    if (held.orgId === ctx.orgId) throw await ownMember(ctx, held)
    // The audit log of the other organization must not disclose the new owner.
    const theirs: Context = { ...ctx, orgId: held.orgId, actor: system('e-mail') }
    await requireUnused(theirs, await User.load(theirs, held.userId))
    await Members.withUserLock(theirs, () => release(theirs, held, { ...held, orgId: ctx.orgId, userId }))
  })
}

async function ownMember(ctx: Context, { userId }: Email.Entry) {
  const deactivated = 'Your account in this organization is deactivated. Ask an admin to reactivate it.'
  return Email.taken((await User.load(ctx, userId)).isActive ? undefined : deactivated)
}

/** Runs under the user lock, so that the user cannot be reactivated meanwhile. */
async function release(theirs: Context, held: Email.Entry, next: Email.Entry) {
  const user = await User.load(theirs, held.userId)
  await requireUnused(theirs, user)
  const detail = user.emailVerified
    ? 'the e-mail address of this deactivated user moved to another account'
    : 'the e-mail address was never verified, and its owner joined another organization'
  const before = { isActive: user.isActive }
  const about = { resourceType: 'user', resourceId: user.id, before, after: { isActive: false }, detail }
  const act = async (theirs: Context) => {
    if (user.isActive) await deactivateUnverified(theirs, user)
    const isHeld = { orgId: held.orgId, userId: held.userId }
    await onConflict(theirs.tables.emails.replace(noOrganization, next, isHeld), () => raise(Email.taken()))
  }
  await Audit.around(theirs, 'users.deactivate', act, about)
}

async function requireUnused(theirs: Context, user: User.Info) {
  if (!user.isActive) return
  if (user.emailVerified) throw Email.taken()
  if (await isInUse(theirs, user)) throw needed()
}

async function deactivateUnverified(theirs: Context, user: User.Info) {
  const { users } = theirs.tables
  const retired: User.Info = { ...user, isActive: false, version: user.version + 1 }
  const isUnverified = { version: user.version, emailVerified: false }
  await onConflict(users.replace(theirs.orgId, retired, isUnverified), () => raise(Email.taken()))
  forgetAuthStates(theirs.runtime)
  // The account was used meanwhile: undo.
  if (await isInUse(theirs, user)) {
    await User.edit(theirs, user.id, () => ({ isActive: true }))
    throw needed()
  }
  await Session.revokeAll(theirs, user.id, 'deactivated')
  await Organization.edit(theirs, ({ adminIds }) => ({ adminIds: adminIds.filter((id) => id !== user.id) }))
}

async function isInUse(theirs: Context, user: User.Info) {
  const { users, imports, cloudAccounts } = theirs.tables
  const { orgId } = theirs
  const [people, bills, accounts] = await Promise.all([
    users.list(orgId, { limit: 2 }),
    imports.list(orgId, { limit: 1 }),
    cloudAccounts.list(orgId, { limit: 1 }),
  ])
  const others = people.items.filter(({ id }) => id !== user.id)
  const { version } = await Snapshot.head(theirs)
  return version > 0 || [others, bills.items, accounts.items].some(({ length }) => length > 0)
}

const needed = () =>
  Email.taken(
    'An account with this unverified e-mail address is in use. Reset its password to take the account over. To ' +
      'join this organization, ask for an invitation to another address.',
  )
