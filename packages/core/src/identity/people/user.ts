import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import type { Outgoing } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { Name } from '../../kernel/name.ts'
import { roles } from '../../kernel/permission.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    users: Table<Info>
    credentials: Table<Credentials>
  }
}

export const RoleName = z.enum(roles)
export const FullName = Name

/** Somebody of an organization, as others of it see them. */
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

/** A user as they are kept; what proves who they are lies apart, in {@link Credentials}. */
export interface Info extends z.infer<typeof Public> {
  version: number
  updatedAt: string
  /** What they are in their company, where they registered it (specification 3.2). */
  persona?: 'cfo' | 'devops' | 'engineer'
  /** By whom and as whom the organization's OpenID Connect provider knows them. */
  openId?: { issuer: string; subject: string }
  /** The same for the issuer whose tokens the organization trusts. */
  tokenSubject?: { issuer: string; subject: string }
}

/** What proves who somebody is. Never shown, not even in part. */
export interface Credentials {
  /** The user's id. */
  id: string
  /** A PHC string; none for those who sign in elsewhere. */
  passwordHash?: string
  totp?: Totp
  /** The request that changed them last: carried out again after a crash, it finds that it was. */
  changedBy?: string
  /** Grows with each change, so that none is lost. */
  version: number
}

export interface Totp {
  sealedSecret: string
  isConfirmed: boolean
  /** The newest time step whose code was used: no code is good twice. */
  lastStep: number
  /** Hashes of the codes that help when the device is lost. */
  recovery: string[]
}

/** A new user. */
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
  if (!found) throw new Fault('not_found', `There is no user ${id}.`)
  return found
}

/** Changes a user in one conditional write; `edit` sees the newest state and is called again when somebody else was faster. */
export async function edit(
  ctx: Context,
  id: string,
  edit: (user: Info) => Partial<Info> | Promise<Partial<Info>>,
): Promise<{ before: Info; after: Info }> {
  const updated = await ctx.tables.users.update(ctx.orgId, id, async (user) => ({
    ...user,
    ...(await edit(user)),
    updatedAt: ctx.now().toISOString(),
    version: user.version + 1,
  }))
  forgetAuthStates(ctx.runtime)
  return updated
}

/** The user's proofs; those of somebody who has none yet are empty. */
export async function credentialsOf({ tables, orgId }: Context, id: string): Promise<Credentials> {
  return (await tables.credentials.get(orgId, id)) ?? { id, version: 0 }
}

/** Throws Fault `conflict` when they were changed since they were read. */
export async function saveCredentials(
  { tables, orgId }: Context,
  credentials: Credentials,
  events: readonly Outgoing[] = [],
): Promise<void> {
  const { version } = credentials
  await tables.credentials.replace(
    orgId,
    { ...credentials, version: version + 1 },
    version === 0 ? undefined : { version },
    events,
  )
}

/** What is shown of a user. */
export function toPublic(user: Info): z.infer<typeof Public> {
  return Public.parse(user)
}

/** Throws Fault `conflict` for a user who has not confirmed their address: whoever registered it may not own it. */
export async function requireVerifiedEmail(ctx: Context): Promise<void> {
  if (ctx.actor.kind !== 'user' || (await load(ctx, ctx.actor.id)).emailVerified) return
  throw new Fault(
    'conflict',
    'Confirm your own e-mail address first: we sent you a mail, and POST /v1/auth/email/resend sends another.',
  )
}
