import * as z from 'zod'
import { nobody } from '../audit.ts'
import { change } from '../command.ts'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { Name } from '../name.ts'
import * as Organization from '../organization.ts'
import * as Email from './email.ts'
import * as Mailed from './mailed.ts'
import * as Password from './password.ts'
import * as Session from './session.ts'
import * as User from './user.ts'

/** What somebody says who brings their company (specification 3.2). */
export const Input = z.strictObject({
  email: Email.Email,
  password: Password.Chosen,
  companyName: Name,
  role: z.enum(['cfo', 'devops', 'engineer']).describe('What you are in your company. The first user of an organisation is its admin, whatever they are.'),
  fullName: User.FullName.optional(),
})

/** A fresh user, signed in. */
export const Registered = Session.Tokens.extend({ userId: z.string(), organizationId: z.string() })

/** Makes an organisation and its first user, who is admin. Throws Fault `conflict` when the address is taken. */
export const register = change('auth.register', Input, 'public', async (anyone, { email, password, companyName, role, fullName }, note) => {
  await Password.check(password, 'password', [email, companyName])
  const passwordHash = await anyone.runtime.passwords.hash(password)
  const ctx: Context = { ...anyone, orgId: anyone.newId('org') }
  const user = await found(ctx, { name: companyName, email, passwordHash, persona: role, fullName: fullName ?? null })
  await Mailed.request(ctx, 'verify-email', Email.hashOf(email))
  note(
    { resourceType: 'organization', resourceId: ctx.orgId, after: { name: companyName, admin: user.id } },
    { ...ctx, actor: { ...ctx.actor, kind: 'user', id: user.id } },
  )
  return { ...(await Session.open(ctx, user, 'registration')), userId: user.id, organizationId: ctx.orgId }
})

interface Founding extends Partial<User.Info> {
  name: string
  email: string
  passwordHash: string
}

/** Everything lies ready before the address is claimed: only then can anybody sign in. */
export async function found(ctx: Context, { name, passwordHash, email, ...given }: Founding, settings: Partial<Organization.Info> = {}): Promise<User.Info> {
  const user = User.created(ctx, { id: ctx.newId('usr'), email, role: 'admin', ...given })
  const { tables } = ctx.runtime
  await tables.organizations.put(ctx.orgId, Organization.founded(ctx.orgId, name, user.id, ctx.now(), settings))
  await tables.organizationIndex.put(nobody, { id: ctx.orgId })
  await addUser(ctx, user, passwordHash, async () => {
    await tables.organizations.remove(ctx.orgId, ctx.orgId)
    await tables.organizationIndex.remove(nobody, ctx.orgId)
  })
  return user
}

/** A user with their proof, and last their address. Throws Fault `conflict`, and leaves nothing behind, when it is taken. */
export async function addUser(
  ctx: Context,
  user: User.Info,
  passwordHash: string | undefined,
  undo: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { tables } = ctx.runtime
  await tables.users.put(ctx.orgId, user)
  await tables.credentials.put(ctx.orgId, { id: user.id, version: 1, ...(passwordHash !== undefined && { passwordHash }) })
  if (await Email.claim(ctx, user.email, user.id)) return
  await tables.credentials.remove(ctx.orgId, user.id)
  await tables.users.remove(ctx.orgId, user.id)
  await undo()
  throw new Fault('conflict', 'This e-mail address has an account already. Sign in, or reset its password.', [
    { path: 'email', message: 'has an account already' },
  ])
}
