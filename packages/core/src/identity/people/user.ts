import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import type { Outgoing } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { Name } from '../../kernel/name.ts'
import { roles } from '../../kernel/permission.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import type { Updated } from '../../effects/tables.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    users: Table<Info>
    credentials: Table<Credentials>
  }
}

export const RoleName = z.enum(roles)
export const FullName = Name

export const Public = z.object({
  id: z.string(),
  email: z.string(),
  fullName: z.string().nullable(),
  role: RoleName,
  isActive: z.boolean(),
  emailVerified: z.boolean(),
  hasSecondFactor: z.boolean(),
  lastLogin: z.string().nullable(),
  createdAt: z.string(),
})

export interface Info extends z.infer<typeof Public> {
  version: number
  updatedAt: string
  /** Function in the company, chosen at registration (specification 3.2). */
  persona?: 'cfo' | 'devops' | 'engineer'
  openId?: { issuer: string; subject: string }
  tokenSubject?: { issuer: string; subject: string }
}

/** Never shown, not even in part. */
export interface Credentials {
  id: string
  passwordHash?: string | undefined
  totp?: Totp
  /** By the last changing request, so that its repetition is recognized. */
  changedBy?: string | undefined
  version: number
}

export interface Totp {
  sealedSecret: string
  isConfirmed: boolean
  lastStep: number
  recovery: string[]
}

export function created(ctx: Context, given: Pick<Info, 'id' | 'email' | 'role'> & Partial<Info>): Info {
  const at = ctx.now().toISOString()
  return {
    fullName: null,
    isActive: true,
    emailVerified: false,
    hasSecondFactor: false,
    lastLogin: null,
    createdAt: at,
    updatedAt: at,
    version: 1,
    ...given,
  }
}

/** Throws Fault `not_found`. */
export async function load({ tables, orgId }: Context, id: string): Promise<Info> {
  const found = await tables.users.get(orgId, id)
  if (!found) throw new Fault('not_found', `User ${id} does not exist.`)
  return found
}

export async function edit(
  ctx: Context,
  id: string,
  edit: (user: Info) => Partial<Info> | Promise<Partial<Info>>,
): Promise<Updated<Info>> {
  const updated = await ctx.tables.users.update(ctx.orgId, id, async (user) => ({
    ...user,
    ...(await edit(user)),
    updatedAt: ctx.now().toISOString(),
    version: user.version + 1,
  }))
  forgetAuthStates(ctx.runtime)
  return updated
}

export async function credentialsOf({ tables, orgId }: Context, id: string): Promise<Credentials> {
  return (await tables.credentials.get(orgId, id)) ?? { id, version: 0 }
}

export async function saveCredentials(ctx: Context, old: Credentials, events?: readonly Outgoing[]): Promise<void> {
  const { version } = old
  const where = version === 0 ? undefined : { version }
  await ctx.tables.credentials.replace(ctx.orgId, { ...old, version: version + 1 }, where, events)
}

/** Throws Fault `conflict`: the address may belong to someone else. */
export async function requireVerifiedEmail(ctx: Context): Promise<void> {
  if (ctx.actor.kind !== 'user' || (await load(ctx, ctx.actor.id)).emailVerified) return
  throw new Fault('conflict', 'Confirm your e-mail address first. POST /v1/auth/email/resend sends the mail again.')
}
