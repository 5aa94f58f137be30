import type * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { byId } from '../../kernel/name.ts'
import { paged, Page } from '../../effects/paged.ts'
import { permissionsOf, type Role } from '../../kernel/permission.ts'
import * as Organization from '../../organization/organization.ts'
import { revokeAll } from '../credentials/session.ts'
import type { Updated } from '../../effects/tables.ts'
import * as Email from './email.ts'
import { edit, type Info, load, Public, RoleName } from './user.ts'

const ById = byId("The user's id.")

export const list = command('users.list', Page, 'read:users', async (ctx, page) => {
  const { items, pagination } = await paged(ctx.tables.users, ctx.orgId, page)
  return { users: items.map((user) => Public.parse(user)), pagination }
})

export const get = command('users.get', ById, 'read:users', async (ctx, { id }) => Public.parse(await load(ctx, id)))

function lockedChange<Schema extends z.ZodType<{ id: string }>>(
  verb: string,
  schema: Schema,
  field: 'role' | 'isActive',
  run: (ctx: Context, input: z.output<Schema>) => Promise<Updated<Info>>,
) {
  return change(`users.${verb}`, schema, 'write:users', async (ctx, input, note) => {
    const { before, after } = await withUserLock(ctx, () => run(ctx, input))
    const states = { before: { [field]: before[field] }, after: { [field]: after[field] } }
    note({ resourceType: 'user', resourceId: input.id, ...states })
    return Public.parse(after)
  })
}

const WithRole = ById.extend({ role: RoleName })

/** Takes effect at once. Throws Fault `conflict` for the last admin. */
export const changeRole = lockedChange('change-role', WithRole, 'role', async (ctx, { id, role }) => {
  requireGrantable(ctx, role)
  if ((await load(ctx, id)).role === 'admin' && role !== 'admin') await removeFromAdmins(ctx, id)
  const changed = await edit(ctx, id, () => ({ role }))
  await addToAdmins(ctx, changed.after)
  return changed
})

/** Ends sessions and API keys as well. Throws Fault `conflict` for the last admin and for the caller. */
export const deactivate = lockedChange('deactivate', ById, 'isActive', async (ctx, { id }) => {
  if (id === ctx.actor.id) throw new Fault('conflict', 'You cannot deactivate yourself. Ask another admin.')
  if ((await load(ctx, id)).role === 'admin') await removeFromAdmins(ctx, id)
  const changed = await edit(ctx, id, () => ({ isActive: false }))
  await revokeAll(ctx, id, 'deactivated')
  return changed
})

/** With the former role. Throws Fault `conflict` if the address has another account now. */
export const reactivate = lockedChange('reactivate', ById, 'isActive', async (ctx, { id }) => {
  await requireEmail(ctx, await load(ctx, id))
  const changed = await edit(ctx, id, ({ role }) => {
    requireGrantable(ctx, role)
    return { isActive: true }
  })
  await addToAdmins(ctx, changed.after)
  return changed
})

/** Another account may have claimed the address since the deactivation. */
async function requireEmail(ctx: Context, { id, email }: Info) {
  const entry = await Email.find(ctx, Email.hashOf(email))
  if (!entry || Email.isOf(entry, { orgId: ctx.orgId, userId: id })) return
  throw new Fault(
    'conflict',
    "The user's e-mail address belongs to another account now. Invite the user to another address.",
    [{ path: 'id', message: 'has an e-mail address of another account' }],
  )
}

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

async function removeFromAdmins(ctx: Context, id: string) {
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
