import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import {
  Actor,
  Audit,
  type Context,
  Fault,
  Identity,
  noOrganization,
  permissionsOf,
  type Role,
  roles,
  type Runtime,
} from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import { readPrivate, writePrivate } from './keys/private-file.ts'

export const orgId = 'default'

export const sampleOrgId = 'sample'

/** The machine's own once it has a committed bill, before that the sample. */
export async function servedOrgId({ tables }: Runtime): Promise<string> {
  if (await tables.heads.get(orgId, 'head')) return orgId
  return (await tables.heads.get(sampleOrgId, 'head')) ? sampleOrgId : orgId
}

const people: readonly { orgId: string; email: string; role: Role }[] = [
  { orgId, email: 'admin@local.example', role: 'admin' },
  ...roles.toReversed().map((role) => ({ orgId: sampleOrgId, email: `${role}@demo.example`, role })),
]

export function emailsOf(organization: string): string[] {
  return people.filter((person) => person.orgId === organization).map(({ email }) => email)
}

/** Undefined once its file is removed. */
export async function keptPassword(dataDir: string): Promise<string | undefined> {
  return (await readPrivate(passwordFile(dataDir)))?.trim() || undefined
}

async function firstPassword(dataDir: string) {
  const kept = await keptPassword(dataDir)
  if (kept !== undefined) return kept
  const password = randomBytes(16).toString('base64url')
  await writePrivate(passwordFile(dataDir), `${password}\n`)
  return password
}

export function passwordFile(dataDir: string): string {
  return join(dataDir, 'keys', 'password.txt')
}

/** An earlier start may have been killed halfway. */
export async function populate(runtime: Runtime, dataDir: string): Promise<void> {
  const contextOf = (of: string) => makeContext({ orgId: of, actor: Actor.system('local'), runtime })
  const known = await Promise.all(
    people.map(
      async (person) => await Identity.Email.find(contextOf(person.orgId), Identity.Email.hashOf(person.email)),
    ),
  )
  const missing = people.filter((_, index) => known[index] === undefined)
  if (missing.length === 0) return
  const passwordHash = await runtime.passwords.hash(await firstPassword(dataDir))
  for (const { orgId: of, email, role } of missing) {
    const ctx = contextOf(of)
    if (role === 'admin') await found(ctx, email, passwordHash)
    else
      await Identity.addUser(
        ctx,
        Identity.User.created(ctx, { id: ctx.newId('usr'), email, role, emailVerified: true }),
        passwordHash,
      )
  }
}

async function found(ctx: Context, email: string, passwordHash: string) {
  const isDemo = ctx.orgId === sampleOrgId
  await Identity.foundOrganization(
    ctx,
    { name: isDemo ? 'Demo (invented costs)' : 'This machine', email, passwordHash, emailVerified: true },
    // Its bills are corrected all the time.
    { tier: 'enterprise', isDemo, ...(isDemo && { retention: { snapshotDays: 30 } }) },
  )
}

/** A user of this machine with a context of its organization; undefined if no user has the address. */
async function userOf(runtime: Runtime, email: string) {
  const anyone = makeContext({ orgId: noOrganization, actor: Actor.system('local'), runtime })
  const entry = await Identity.Email.find(anyone, Identity.Email.hashOf(email))
  if (!entry) return undefined
  const ctx: Context = { ...anyone, orgId: entry.orgId }
  return { ctx, user: await Identity.User.load(ctx, entry.userId) }
}

/** Access to the data folder entitles to it. */
export async function tokenOf(runtime: Runtime, email: string): Promise<string | undefined> {
  const found = await userOf(runtime, email)
  if (!found) return undefined
  const { ctx, user } = found
  await Audit.append(ctx, {
    action: 'auth.token',
    result: 'success',
    resourceType: 'user',
    resourceId: user.id,
    detail: 'by the command line',
  })
  return (await Identity.Session.open(ctx, user, 'command-line')).accessToken
}

/**
 * The command line's context as a user: by default the first admin of the shown organization. Access to the data folder
 * entitles to it, and the audit log names the command line. Throws Fault `not_found`, or `forbidden` for a deactivated user.
 */
export async function contextAs(shown: Context, as?: string): Promise<Context> {
  const { runtime, orgId: of, tables } = shown
  const [admin = ''] = emailsOf(of)
  const email = (as ?? admin).trim().toLowerCase()
  const found = await userOf(runtime, email)
  if (!found) {
    const known = (await tables.users.all(of)).map((user) => user.email).toSorted()
    throw new Fault(
      'not_found',
      `No user of this machine has the address ${email}. Name one with --as: ${known.join(', ')}.`,
    )
  }
  const { ctx, user } = found
  if (!user.isActive) throw new Fault('forbidden', `The user ${email} is deactivated. Name another one with --as.`)
  const { id, role } = user
  const actor = { kind: 'user', id, role, permissions: permissionsOf(role), userAgent: 'command line' } as const
  return { ...shown, orgId: ctx.orgId, actor }
}
