import * as z from 'zod'
import { type Context, expiryIn } from '../../effects/context.ts'
import type { Event } from '../../kernel/event.ts'
import { invalid, onConflict, raise } from '../../kernel/fault.ts'
import { event } from '../../effects/relay.ts'
import * as Secret from '../credentials/secret.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    mailedTokens: Table<Info>
    mailRequests: Table<{ id: string; expiresAt: number }>
  }
}

export const Input = z.strictObject({ token: z.string().min(1).max(1024) })

export type Kind = 'verify-email' | 'reset-password'

export interface Info {
  id: string
  userId: string
  hash: string
  usedAt?: string
  /** The request that used it, which may repeat after a crash. */
  usedBy?: string
  expiresAt: number
}

const hours = { 'verify-email': 48, 'reset-password': 1 } as const satisfies Record<Kind, number>

/** Other writes carry the event themselves. */
export async function request(ctx: Context, kind: Event<'mail.requested'>['data']['kind'], to: string): Promise<void> {
  const requested = event(ctx, 'mail.requested', { kind, to })
  const expiresAt = expiryIn(ctx, 24 * 3600)
  await ctx.tables.mailRequests.put(ctx.orgId, { id: requested.id, expiresAt }, [requested])
}

export async function mint(ctx: Context, kind: Kind, userId: string): Promise<string> {
  const value = Secret.random()
  const id = `${kind}-${userId}`
  const expiresAt = expiryIn(ctx, hours[kind] * 3600)
  await ctx.tables.mailedTokens.put(ctx.orgId, { id, userId, hash: Secret.hashOf(value), expiresAt })
  return Secret.write('mailed', { orgId: ctx.orgId, id, value })
}

/** After `prepare` succeeds. Throws Fault `invalid` if the token is unknown, expired or used. */
export async function redeem(
  anyone: Context,
  kind: Kind,
  token: string,
  prepare: (ctx: Context, userId: string) => Promise<void>,
): Promise<{ ctx: Context; userId: string }> {
  const secret = Secret.read('mailed', token)
  if (!secret?.id.startsWith(`${kind}-`)) throw invalidToken()
  const ctx: Context = { ...anyone, orgId: secret.orgId }
  const found = await ctx.tables.mailedTokens.get(ctx.orgId, secret.id)
  const isGood = found && Secret.isSame(Secret.hashOf(secret.value), found.hash)
  const usedBy = ctx.newId('use')
  const isAgain = isGood && found.usedBy === usedBy
  if (!isGood || (!isAgain && (found.usedAt !== undefined || ctx.now().getTime() / 1000 >= found.expiresAt)))
    throw invalidToken()
  await prepare(ctx, found.userId)
  const used = { ...found, usedAt: ctx.now().toISOString(), usedBy }
  const isUnused = { hash: found.hash, usedAt: undefined }
  if (!isAgain)
    await onConflict(ctx.tables.mailedTokens.replace(ctx.orgId, used, isUnused), () => raise(invalidToken()))
  return { ctx, userId: found.userId }
}

const invalidToken = () => invalid('token', 'This token', 'is invalid, expired or used', 'Request a new mail.')
