import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { byId } from '../../kernel/name.ts'
import { Page, paged } from '../../kernel/page.ts'
import { permissionsOf, type Role } from '../../kernel/permission.ts'
import * as Organization from '../../organization/organization.ts'
import { revokeAll } from '../credentials/session.ts'
import * as Email from './email.ts'
import { edit, type Info, load, Public, RoleName } from './user.ts'

const ById = byId("The user's id.")

export const list = command('users.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = paged(await ctx.tables.users.all(ctx.orgId), page)
  return { users: items.map((user) => Public.parse(user)), pagination }
})

export const get = command('users.get', ById, 'read:users', async (ctx, { id }) => Public.parse(await load(ctx, id)))

/** Changes a user's role with immediate effect. Throws Fault `conflict` for the last admin. */
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
    return Public.parse(after)
  },
)

/** Ends sessions and API keys as well. Throws Fault `conflict` for the last admin and for the caller. */
export const deactivate = change('users.deactivate', ById, 'write:users', async (ctx, { id }, note) => {
  if (id === ctx.actor.id) throw new Fault('conflict', 'You cannot deactivate yourself. Ask another admin.')
  const { before, after } = await withUserLock(ctx, async () => {
    if ((await load(ctx, id)).role === 'admin') await removeFromAdmins(ctx, id)
    return await edit(ctx, id, () => ({ isActive: false }))
  })
  await revokeAll(ctx, id, 'deactivated')
  note({ resourceType: 'user', resourceId: id, before: { isActive: before.isActive }, after: { isActive: false } })
  return Public.parse(after)
})

/** Reactivates a user with the former role. Throws Fault `conflict` if the address has another account now. */
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
  return Public.parse(after)
})

/** Another account may have claimed the address since the deactivation; without it the user could not sign in. */
async function requireEmail(ctx: Context, { id, email }: Info): Promise<void> {
  const entry = await Email.find(ctx, Email.hashOf(email))
  if (!entry || Email.isOf(entry, { orgId: ctx.orgId, userId: id })) return
  throw new Fault(
    'conflict',
    "The user's e-mail address belongs to another account now. Invite the user to another address.",
    [{ path: 'id', message: 'has an e-mail address of another account' }],
  )
}

/** Throws Fault `forbidden` if an API key lacks a permission of the role it would give. */
export function requireGrantable({ actor }: Context, role: Role): void {
  const excess = permissionsOf(role).difference(actor.permissions)
  if (actor.kind !== 'key' || excess.size === 0) return
  const named = [...excess].slice(0, 3).join(', ')
  throw new Fault('forbidden', `This API key cannot assign the role ${role}: it lacks ${named}.`)
}

export const endSessions = change('users.end-sessions', ById, 'write:users', async (ctx, { id }, note) => {
  await load(ctx, id)
  const ended = await revokeAll(ctx, id, 'ended')
  note({ resourceType: 'user', resourceId: id, after: { ended } })
  return { ended }
})

async function removeFromAdmins(ctx: Context, id: string): Promise<void> {
  await Organization.edit(ctx, ({ adminIds }) => {
    const left = adminIds.filter((admin) => admin !== id)
    if (left.length === 0) throw new Fault('conflict', 'This user is the last admin. Make another user admin first.')
    return { adminIds: left }
  })
}

export async function addToAdmins(ctx: Context, { id, role, isActive }: Info): Promise<void> {
  if (role === 'admin' && isActive)
    await Organization.edit(ctx, ({ adminIds }) => ({ adminIds: [...new Set([...adminIds, id])] }))
}

// The maximum duration of a request: a killed process holds the lock no longer.
const lockMs = 30_000

/** Serializes changes of admins, so that one admin always remains. Throws Fault `conflict` while locked. */
export async function withUserLock<Value>(ctx: Context, run: () => Promise<Value>): Promise<Value> {
  const now = ctx.now()
  const until = new Date(now.getTime() + lockMs).toISOString()
  await Organization.edit(ctx, ({ usersHeldUntil = '' }) => {
    if (usersHeldUntil > now.toISOString())
      throw new Fault('conflict', 'Another change of users is running. Try again in a moment.', [], 1)
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
