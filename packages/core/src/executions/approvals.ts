import * as z from 'zod'
import { type Context, asUser, expiryIn } from '../effects/context.ts'
import * as Audit from '../guard/audit.ts'
import { type Fault, invalid, onConflict } from '../kernel/fault.ts'
import { permissionsOf } from '../kernel/permission.ts'
import * as Secret from '../identity/credentials/secret.ts'
import type * as User from '../identity/people/user.ts'
import * as Organization from '../organization/organization.ts'
import { approved, rejected } from './decide.ts'
import * as Execution from './execution.ts'
import { personOf } from './person.ts'
import { circumstancesOf } from './circumstances.ts'
import { type Public, publicOf } from './shown.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    approvalLinks: Table<Info>
  }
}

/** The link of one approver to one execution: `{execution}-{user}`. A newer mail replaces it. */
export interface Info {
  id: string
  executionId: string
  userId: string
  hash: string
  usedAt?: string
  expiresAt: number
}

const keptSeconds = 8 * 24 * 3600

export async function mint(ctx: Context, executionId: string, userId: string): Promise<string> {
  const value = Secret.random()
  const id = `${executionId}-${userId}`
  const expiresAt = expiryIn(ctx, keptSeconds)
  await ctx.tables.approvalLinks.put(ctx.orgId, { id, executionId, userId, hash: Secret.hashOf(value), expiresAt })
  return Secret.write('approval', { orgId: ctx.orgId, id, value })
}

interface Opened {
  ctx: Context
  link: Info
  execution: Execution.Info
}

/** Throws Fault `invalid` if the token is unknown, expired or used, or its owner may not approve any more. */
async function open(anyone: Context, token: string): Promise<Opened> {
  const secret = Secret.read('approval', token)
  if (!secret) throw invalidLink()
  const ctx: Context = { ...anyone, orgId: secret.orgId }
  const link = await ctx.tables.approvalLinks.get(ctx.orgId, secret.id)
  if (!link || !Secret.isSame(Secret.hashOf(secret.value), link.hash)) throw invalidLink()
  if (ctx.now().getTime() / 1000 >= link.expiresAt || link.usedAt !== undefined) throw invalidLink()
  const user = await ctx.tables.users.get(ctx.orgId, link.userId)
  if (!user || !mayApproveByMail(user, await Organization.load(ctx))) throw invalidLink()
  return { ctx: asUser(ctx, link.userId), link, execution: await Execution.load(ctx, link.executionId) }
}

/** An active user with the permission, and with the second factor that the organization requires. */
export function mayApproveByMail(
  { isActive, role, hasSecondFactor, openId }: User.Info,
  { requireSecondFactor }: Pick<Organization.Info, 'requireSecondFactor'>,
): boolean {
  const lacksSecondFactor = requireSecondFactor && !hasSecondFactor && openId === undefined
  return isActive && !lacksSecondFactor && permissionsOf(role).has('approve:remediation')
}

const invalidLink = (): Fault =>
  invalid('token', 'This link', 'is invalid, expired or used', 'Sign in, and look at the execution there.')

/** What the link is about, and who requested it. Nothing is decided by looking at it. */
export async function shown(
  anyone: Context,
  token: string,
): Promise<{ execution: Public; requester: string; circumstances: string[] }> {
  const { ctx, execution } = await open(anyone, token)
  return {
    execution: await publicOf(ctx, execution),
    requester: await personOf(ctx, execution.requestedBy),
    circumstances: circumstancesOf(execution, ctx.now()),
  }
}

export const Deciding = z.strictObject({
  token: z.string().min(1).max(1024),
  planHash: z.string().min(1).max(128),
  decision: z.enum(['approve', 'reject']),
  confirm: z.string().max(50_000).default('').describe('One text a line.'),
  reason: z.string().max(2000).default(''),
})

/** Decides with the link, once. A refused decision does not use it up. */
export async function decide(anyone: Context, input: z.output<typeof Deciding>): Promise<Public> {
  const { ctx, link } = await open(anyone, input.token)
  const action = `executions.${input.decision}`
  const { executionId: id, userId } = link
  return await Audit.around(ctx, action, async (traced, note) => {
    note({ resourceType: 'execution', resourceId: id, after: { planHash: input.planHash, via: 'mail' } })
    if (input.decision === 'reject') await rejected(traced, id, userId, input.reason.trim() || 'No reason was given.')
    else {
      const confirm = input.confirm.split('\n').filter((name) => name.trim() !== '')
      await approved(traced, id, { userId, via: 'mail', planHash: input.planHash, confirm })
    }
    // Afterwards: a killed request may be repeated, and a decision counts once.
    await use(traced, link)
    return await publicOf(traced, await Execution.load(traced, id))
  })
}

async function use(ctx: Context, link: Info): Promise<void> {
  const used = { ...link, usedAt: ctx.now().toISOString() }
  const isUnused = { hash: link.hash, usedAt: undefined }
  // A newer mail has replaced it.
  await onConflict(ctx.tables.approvalLinks.replace(ctx.orgId, used, isUnused), () => undefined)
}
