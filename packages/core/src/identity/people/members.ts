import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { Page, paged } from '../../kernel/page.ts'
import { permissionsOf, type Role } from '../../kernel/permission.ts'
import * as Organization from '../../organization/organization.ts'
import { revokeAll } from '../credentials/session.ts'
import * as Email from './email.ts'
import { edit, type Info, load, RoleName, toPublic } from './user.ts'

const ById = z.strictObject({ id: z.string().min(1).max(128).describe("The user's id.") })

/** All users of the organization, in the order in which they came. */
export const list = command('users.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = paged(await ctx.tables.users.all(ctx.orgId), page)
  return { users: items.map(toPublic), pagination }
})

export const get = command('users.get', ById, 'read:users', async (ctx, { id }) => toPublic(await load(ctx, id)))

/** Gives a user another role, which counts from now on. Throws Fault `conflict` for the last admin. */
export const changeRole = change(
  'users.change-role',
  ById.extend({ role: RoleName }),
  'write:users',
  async (ctx, { id, role }, note) => {
    requireGrantable(ctx, role)
    const { before, after } = await withUserLock(ctx, async () => {
      if ((await load(ctx, id)).role === 'admin' && role !== 'admin') await removeFromAdmins(ctx, id)
      const changed = await edit(ctx, id, () => ({ role }))
      await addToAdmins(ctx, changed.after)
      return changed
    })
    note({ resourceType: 'user', resourceId: id, before: { role: before.role }, after: { role } })
    return toPublic(after)
  },
)

/** Locks a user out, ends all their sessions and stops their API keys. Throws Fault `conflict` for the last admin, and for oneself. */
export const deactivate = change('users.deactivate', ById, 'write:users', async (ctx, { id }, note) => {
  if (id === ctx.actor.id) throw new Fault('conflict', 'You cannot deactivate yourself. Another admin can.')
  const { before, after } = await withUserLock(ctx, async () => {
    if ((await load(ctx, id)).role === 'admin') await removeFromAdmins(ctx, id)
    return await edit(ctx, id, () => ({ isActive: false }))
  })
  await revokeAll(ctx, id, 'deactivated')
  note({ resourceType: 'user', resourceId: id, before: { isActive: before.isActive }, after: { isActive: false } })
  return toPublic(after)
})

/** Lets a deactivated user in again, with the role that they had. Throws Fault `conflict` where they have an account elsewhere by now. */
export const reactivate = change('users.reactivate', ById, 'write:users', async (ctx, { id }, note) => {
  const { before, after } = await withUserLock(ctx, async () => {
    await requireEmail(ctx, await load(ctx, id))
    const changed = await edit(ctx, id, ({ role }) => {
      requireGrantable(ctx, role)
      return { isActive: true }
    })
    await addToAdmins(ctx, changed.after)
    return changed
  })
  note({ resourceType: 'user', resourceId: id, before: { isActive: before.isActive }, after: { isActive: true } })
  return toPublic(after)
})

/** The address of a deactivated user is released to whoever proves it, and nobody signs in without one. */
async function requireEmail(ctx: Context, { id, email }: Info): Promise<void> {
  const entry = await Email.find(ctx, Email.hashOf(email))
  if (!entry || Email.isOf(entry, { orgId: ctx.orgId, userId: id })) return
  throw new Fault(
    'conflict',
    'Their e-mail address has another account by now, so that they cannot come back as this user. Invite them to another address.',
    [{ path: 'id', message: 'has another account by now' }],
  )
}

/** Throws Fault `forbidden` where an API key would give more than it has: it may have less than its maker. */
export function requireGrantable({ actor }: Context, role: Role): void {
  const excess = [...permissionsOf(role)].filter(
    (permission) => actor.kind === 'key' && !actor.permissions.has(permission),
  )
  if (excess.length > 0)
    throw new Fault('forbidden', `This API key cannot make anybody ${role}: it lacks ${excess.slice(0, 3).join(', ')}.`)
}

/** Ends all sessions of a user, who may sign in again. */
export const endSessions = change('users.end-sessions', ById, 'write:users', async (ctx, { id }, note) => {
  await load(ctx, id)
  const ended = await revokeAll(ctx, id, 'ended')
  note({ resourceType: 'user', resourceId: id, after: { ended } })
  return { ended }
})

/** Takes a user off the admins, unless nobody else would be left. */
async function removeFromAdmins(ctx: Context, id: string): Promise<void> {
  await Organization.edit(ctx, ({ adminIds }) => {
    const left = adminIds.filter((admin) => admin !== id)
    if (left.length === 0)
      throw new Fault(
        'conflict',
        'An organization needs an admin, and this is its last one. Make somebody else admin first.',
      )
    return { adminIds: left }
  })
}

/** Counts an active admin among those of whom one must stay. */
export async function addToAdmins(ctx: Context, { id, role, isActive }: Info): Promise<void> {
  if (role === 'admin' && isActive)
    await Organization.edit(ctx, ({ adminIds }) => ({ adminIds: [...new Set([...adminIds, id])] }))
}

// As long as a request may take: whoever was cut off holds nobody up for longer.
const lockMs = 30_000

/** Changes who is admin, one change at a time in an organization: else several at once could leave it without any. Throws Fault `conflict` meanwhile. */
export async function withUserLock<Value>(ctx: Context, run: () => Promise<Value>): Promise<Value> {
  const now = ctx.now()
  const until = new Date(now.getTime() + lockMs).toISOString()
  await Organization.edit(ctx, ({ usersHeldUntil = '' }) => {
    if (usersHeldUntil > now.toISOString())
      throw new Fault('conflict', 'Somebody else is changing users at this moment. Try again.', [], 1)
    return { usersHeldUntil: until }
  })
  try {
    return await run()
  } finally {
    await Organization.edit(ctx, ({ usersHeldUntil }) =>
      usersHeldUntil === until ? { usersHeldUntil: undefined } : {},
    )
  }
}
