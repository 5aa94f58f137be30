import * as Members from './members.ts'
import { system } from '../../kernel/actor.ts'
import * as Audit from '../../guard/audit.ts'
import { type Context, noOrganization } from '../../effects/context.ts'
import { isFault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import * as Email from './email.ts'
import * as Session from '../credentials/session.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import * as User from './user.ts'

/**
 * Takes an address for a user who has proven that its mailbox is theirs, also from whom it is lost on: somebody whom another organization deactivated, or who
 * never confirmed it and has nothing there. Throws Fault `conflict`, with what to do instead, where somebody else needs it.
 */
export async function claim(ctx: Context, email: string, userId: string): Promise<void> {
  try {
    await Email.claim(ctx, email, userId)
  } catch (error) {
    const held = isFault(error, 'conflict') ? await Email.find(ctx, Email.hashOf(email)) : undefined
    if (!held) throw error
    if (held.orgId === ctx.orgId) throw await ownMember(ctx, held)
    // Who has the address now, and from where they came, is not for the other organization to know.
    const theirs: Context = { ...ctx, orgId: held.orgId, actor: system('e-mail') }
    await requireUnused(theirs, await User.load(theirs, held.userId))
    await Members.withUserLock(theirs, async () => await release(theirs, held, { ...held, orgId: ctx.orgId, userId }))
  }
}

async function ownMember(ctx: Context, { userId }: Email.Entry): Promise<Error> {
  const { isActive } = await User.load(ctx, userId)
  return isActive
    ? Email.taken()
    : Email.taken('You were a member of this organization, and are deactivated. Ask an admin to reactivate you.')
}

/** Nobody is reactivated meanwhile: that too is done alone. */
async function release(theirs: Context, held: Email.Entry, next: Email.Entry): Promise<void> {
  const user = await User.load(theirs, held.userId)
  await requireUnused(theirs, user)
  const detail = user.emailVerified
    ? 'the e-mail address of this deactivated user is that of an account elsewhere now'
    : 'the e-mail address was never confirmed, and its owner has joined another organization with it'
  const about = {
    resourceType: 'user',
    resourceId: user.id,
    before: { isActive: user.isActive },
    after: { isActive: false },
    detail,
  }
  const act = async (theirs: Context): Promise<void> => {
    if (user.isActive) await deactivateUnverified(theirs, user)
    try {
      await theirs.tables.emails.replace(noOrganization, next, { orgId: held.orgId, userId: held.userId })
    } catch (error) {
      throw isFault(error, 'conflict') ? Email.taken() : error
    }
  }
  await Audit.around(theirs, 'users.deactivate', act, about)
}

/** Throws Fault `conflict` for anybody whom somebody would miss; whoever may not have the address changes nothing in another organization. */
async function requireUnused(theirs: Context, user: User.Info): Promise<void> {
  if (!user.isActive) return
  if (user.emailVerified) throw Email.taken()
  if (await isInUse(theirs, user)) throw needed()
}

/** Locks out who has an address that they never confirmed, and nothing else. */
async function deactivateUnverified(theirs: Context, user: User.Info): Promise<void> {
  const { users } = theirs.tables
  const retired: User.Info = { ...user, isActive: false, version: user.version + 1 }
  try {
    await users.replace(theirs.orgId, retired, { version: user.version, emailVerified: false })
  } catch (error) {
    // They confirmed it just now.
    throw isFault(error, 'conflict') ? Email.taken() : error
  }
  forgetAuthStates(theirs.runtime)
  // What they brought in at this very moment is theirs to keep.
  if (await isInUse(theirs, user)) {
    await User.edit(theirs, user.id, () => ({ isActive: true }))
    throw needed()
  }
  await Session.revokeAll(theirs, user.id, 'deactivated')
  await Organization.edit(theirs, ({ adminIds }) => ({ adminIds: adminIds.filter((id) => id !== user.id) }))
}

/** Whether anything would be lost with this user: others in their organization, a bill, one on its way, or a cloud account. */
async function isInUse(theirs: Context, user: User.Info): Promise<boolean> {
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
    'Somebody registered this e-mail address, never confirmed it, and uses it. Reset its password: that makes the account yours. To join this organization as well, ask for an invitation to another address.',
  )
