import { event } from '../../effects/relay.ts'
import type { Table } from '../../effects/tables.ts'
import * as z from 'zod'
import { change } from '../../guard/command.ts'
import { asUser, type Context, noOrganization } from '../../effects/context.ts'
import { Fault, onConflict, raise } from '../../kernel/fault.ts'
import { Name } from '../../kernel/name.ts'
import * as Organization from '../../organization/organization.ts'
import * as Email from '../people/email.ts'
import * as Password from './password.ts'
import * as Session from '../credentials/session.ts'
import * as User from '../people/user.ts'

export const Input = z.strictObject({
  email: Email.Email,
  password: Password.Chosen,
  companyName: Name,
  role: z.enum(['cfo', 'devops', 'engineer']).describe('Your function in the company. The first user is always admin.'),
  fullName: User.FullName.optional(),
})

export const Registered = Session.Tokens.extend({ userId: z.string(), organizationId: z.string() })

export const register = change(
  'auth.register',
  Input,
  'public',
  async (anyone, { email, password, companyName, role, fullName }, note) => {
    await Password.check(password, 'password', [email, companyName])
    const passwordHash = await anyone.runtime.passwords.hash(password)
    const ctx: Context = { ...anyone, orgId: anyone.newId('org') }
    const id = ctx.newId('usr')
    note({ resourceType: 'organization', resourceId: ctx.orgId }, asUser(ctx, id))
    // The claim of the address carries the event.
    const requested = event(ctx, 'mail.requested', { kind: 'verify-email', to: Email.hashOf(email) })
    const user = await foundOrganization(ctx, {
      id,
      name: companyName,
      email,
      passwordHash,
      persona: role,
      fullName: fullName ?? null,
      claim: (ctx, email, userId) => Email.claim(ctx, email, userId, [requested]),
    })
    note({ after: { name: companyName, admin: id } })
    return { ...(await openFirst(ctx, user, 'registration')), userId: user.id, organizationId: ctx.orgId }
  },
)

/** A retry opens none after a change of credentials, or if passwords are disabled. */
export async function openFirst(ctx: Context, user: User.Info, method: 'registration' | 'invitation') {
  return await Session.open(ctx, user, method, async () => {
    const { version } = await User.credentialsOf(ctx, user.id)
    return version === firstVersion && (await Password.mayUsePassword(ctx, user))
  })
}

const firstVersion = 1

interface Founding extends Partial<User.Info>, Pick<Adding, 'claim'> {
  name: string
  email: string
  passwordHash: string
}

/** Before claiming the address, which enables the sign-in. Idempotent. */
export async function foundOrganization(
  ctx: Context,
  { name, passwordHash, email, claim, ...given }: Founding,
  settings: Partial<Organization.Info> = {},
): Promise<User.Info> {
  const user = User.created(ctx, { id: ctx.newId('usr'), email, role: 'admin', ...given })
  const { organizations, organizationIndex } = ctx.tables
  await establish(ctx, Organization.founded(ctx.orgId, name, user.id, ctx.now(), settings), user)
  return await addUser(ctx, user, passwordHash, {
    claim,
    undo: async () => {
      await organizations.remove(ctx.orgId, ctx.orgId)
      await organizationIndex.remove(noOrganization, ctx.orgId)
    },
  })
}

async function establish(ctx: Context, organization: Organization.Info, { id }: User.Info) {
  const { organizations, organizationIndex, users } = ctx.tables
  const before = await organizations.get(ctx.orgId, ctx.orgId)
  if (before && (await users.get(ctx.orgId, id))) return
  const version = before && { version: before.version }
  // A concurrent repetition of the same request has written it.
  await onConflict(organizations.replace(ctx.orgId, organization, version), () => undefined)
  await organizationIndex.put(noOrganization, { id: ctx.orgId })
}

interface Adding {
  claim?: typeof Email.claim | undefined
  undo?: () => Promise<void>
}

/**
 * Inserts the address last; idempotent. Throws Fault `conflict`, with everything undone, if it is taken or the user
 * deactivated.
 */
export async function addUser(
  ctx: Context,
  user: User.Info,
  passwordHash: string | undefined,
  { claim = Email.claim, undo }: Adding = {},
): Promise<User.Info> {
  const { users, credentials } = ctx.tables
  const kept = await insertedOnce(users, ctx.orgId, user)
  if (kept !== user && !kept.isActive)
    throw new Fault('conflict', 'This account exists and is deactivated. Ask an admin to reactivate it.')
  await insertedOnce(credentials, ctx.orgId, { id: user.id, version: firstVersion, passwordHash })
  await onConflict(claim(ctx, user.email, user.id), async (taken) => {
    await credentials.remove(ctx.orgId, user.id)
    await users.remove(ctx.orgId, user.id)
    await undo?.()
    throw taken
  })
  return kept
}

async function insertedOnce<Item extends { id: string }>(table: Table<Item>, orgId: string, item: Item) {
  return await onConflict(
    table.insert(orgId, item).then(() => item),
    async (exists) => (await table.get(orgId, item.id)) ?? raise(exists),
  )
}
