import { createHmac } from 'node:crypto'
import * as z from 'zod'
import type * as Audit from '../../guard/audit.ts'
import { change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { walk } from '../../effects/tables.ts'
import { Fault } from '../../kernel/fault.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import type { Claims } from '../../effects/runtime.ts'
import { mayUsePassword } from '../sign-in/password.ts'
import * as Secret from './secret.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import type * as User from '../people/user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    sessions: Table<Info>
    spentTokens: Table<Spent>
  }
}

export interface Info {
  id: string
  userId: string
  method: 'password' | 'openid' | 'invitation' | 'registration' | 'command-line'
  createdAt: string
  lastUsedAt: string
  idleUntil: number
  expiresAt: number
  current: string
  /** Hash and nonce of the previous token: within a grace period of 10 s it yields the same successor. */
  previous?: string
  nonce?: string
  rotatedAt?: string
  revokedAt?: string
  revokedBecause?: 'logout' | 'reuse' | 'password-changed' | 'ended' | 'deactivated'
  ipAddress?: string | undefined
  userAgent?: string | undefined
}

export interface Spent {
  id: string
  expiresAt: number
}

export const Tokens = z.object({
  accessToken: z.string().describe('Send it as `Authorization: Bearer ...`.'),
  refreshToken: z.string().describe('Single use, for `POST /v1/auth/refresh`, which returns the next one.'),
  tokenType: z.literal('Bearer'),
  expiresIn: z.int().describe('Seconds until the access token expires.'),
})
type Tokens = z.infer<typeof Tokens>

export const accessSeconds = 15 * 60
const idleSeconds = 30 * 24 * 3600
const maxSeconds = 90 * 24 * 3600
const graceMs = 10_000

/** `isGood` rechecks the proof after the write, else Fault `unauthenticated`. */
export async function open(
  ctx: Context,
  user: User.Info,
  method: Info['method'],
  isGood?: () => Promise<boolean>,
): Promise<Tokens> {
  const value = Secret.random()
  const now = ctx.now().toISOString()
  const { address: ipAddress, userAgent } = ctx.actor
  const seconds = secondsOf(ctx)
  const session: Info = {
    id: `${idPrefixOf(user.id)}${ctx.newId('s').slice(2)}`,
    userId: user.id,
    method,
    createdAt: now,
    lastUsedAt: now,
    idleUntil: seconds + idleSeconds,
    expiresAt: seconds + maxSeconds,
    current: Secret.hashOf(value),
    ipAddress,
    userAgent,
  }
  await ctx.tables.sessions.put(ctx.orgId, session)
  // A concurrent password change may have revoked all sessions before this one was stored.
  if (isGood && !(await isGood())) {
    await revoke(ctx, session, 'password-changed')
    throw new Fault('unauthenticated', 'The password was changed during the sign-in. Sign in again.')
  }
  return await tokensOf(ctx, user, session, value)
}

function secondsOf(ctx: Context) {
  return Math.floor(ctx.now().getTime() / 1000)
}

async function tokensOf(ctx: Context, user: User.Info, { id: sid }: Info, value: string): Promise<Tokens> {
  const iat = secondsOf(ctx)
  const { tokens } = ctx.runtime
  const claims: Claims = {
    iss: tokens.issuer,
    aud: tokens.audience,
    sub: user.id,
    org_id: ctx.orgId,
    role: user.role,
    permissions: [...permissionsOf(user.role)],
    sid,
    iat,
    exp: iat + accessSeconds,
    jti: ctx.newId('jti'),
  }
  return {
    accessToken: await tokens.sign(claims),
    refreshToken: Secret.write('refresh', { orgId: ctx.orgId, id: sid, value }),
    tokenType: 'Bearer',
    expiresIn: accessSeconds,
  }
}

const refused = () => new Fault('unauthenticated', 'This refresh token is invalid or expired. Sign in again.')

/** Reuse of an old token revokes the whole family. */
export const refresh = change(
  'auth.refresh',
  z.strictObject({ refreshToken: z.string().min(1).max(1024) }),
  'public',
  async (anyone, { refreshToken }, note) => {
    const secret = Secret.read('refresh', refreshToken)
    if (!secret) throw refused()
    const ctx: Context = { ...anyone, orgId: secret.orgId }
    let next = undefined as { user: User.Info; session: Info; value: string } | undefined
    await ctx.tables.sessions.upsert(ctx.orgId, secret.id, async (session) => {
      const user = session && (await ctx.tables.users.get(ctx.orgId, session.userId))
      if (!session || !user?.isActive || !isLive(session, ctx.now())) throw refused()
      if (!(await mayContinue(ctx, session, user))) return await refuse(ctx, session, 'ended', note)
      const step = await advance(ctx, session, secret.value)
      if (step === 'reused') return await refuse(ctx, session, 'reuse', note)
      next = { user, session, value: step.value }
      return step.rotated
    })
    if (!next) throw refused()
    return await tokensOf(ctx, next.user, next.session, next.value)
  },
)

/** Ends sessions opened by a password once the organization disables passwords. */
async function mayContinue(ctx: Context, { method }: Info, user: User.Info) {
  return method === 'openid' || method === 'command-line' || (await mayUsePassword(ctx, user))
}

const refusals = {
  ended: 'passwords are disabled: the session was ended',
  // Token and successor may be in different hands.
  reuse: 'an old refresh token was reused: the session was ended',
} as const

async function refuse(ctx: Context, session: Info, because: keyof typeof refusals, note: Audit.Note): Promise<never> {
  const { id, userId } = session
  note({ resourceType: 'session', resourceId: id, detail: refusals[because] }, ctx)
  await revoke(ctx, session, because)
  if (because === 'reuse') ctx.log.warn('denied', { action: 'auth.refresh', sessionId: id, userId, reason: because })
  throw refused()
}

async function advance(
  ctx: Context,
  session: Info,
  value: string,
): Promise<{ value: string; rotated?: Info } | 'reused'> {
  const hash = Secret.hashOf(value)
  if (Secret.isSame(hash, session.current)) return await rotate(ctx, session, value)
  if (Secret.isSame(hash, session.previous)) {
    const isInGrace = ctx.now().getTime() - Date.parse(session.rotatedAt ?? '') <= graceMs
    return isInGrace && session.nonce !== undefined ? { value: nextValue(session.nonce, value) } : 'reused'
  }
  if (await ctx.tables.spentTokens.get(ctx.orgId, `${session.id}/${hash}`)) return 'reused'
  throw refused()
}

async function rotate(ctx: Context, session: Info, value: string) {
  const nonce = Secret.random()
  const next = nextValue(nonce, value)
  // Record the spent token before the session drops its hash, so that reuse is detected.
  const { id, previous, expiresAt } = session
  if (previous !== undefined) await ctx.tables.spentTokens.put(ctx.orgId, { id: `${id}/${previous}`, expiresAt })
  const now = ctx.now().toISOString()
  const rotated: Info = {
    ...session,
    current: Secret.hashOf(next),
    previous: session.current,
    nonce,
    rotatedAt: now,
    lastUsedAt: now,
    idleUntil: secondsOf(ctx) + idleSeconds,
  }
  return { value: next, rotated }
}

function nextValue(nonce: string, value: string) {
  return createHmac('sha256', Buffer.from(nonce, 'base64url')).update(value).digest('base64url')
}

/** Refresh tokens at once, access tokens at the next check (see {@link forgetAuthStates}). */
export async function revoke(
  ctx: Context,
  { id }: Pick<Info, 'id'>,
  because: NonNullable<Info['revokedBecause']>,
): Promise<void> {
  const revoked = { revokedAt: ctx.now().toISOString(), revokedBecause: because }
  await ctx.tables.sessions.upsert(ctx.orgId, id, (session) =>
    session?.revokedAt === undefined ? session && { ...session, ...revoked } : undefined,
  )
  forgetAuthStates(ctx.runtime)
}

export async function revokeAll(
  ctx: Context,
  userId: string,
  because: NonNullable<Info['revokedBecause']>,
  butFor?: string,
): Promise<number> {
  let ended = 0
  for await (const session of liveOf(ctx, userId)) {
    if (session.id === butFor) continue
    await revoke(ctx, session, because)
    ended++
  }
  return ended
}

/** The newest first. */
export async function* liveOf({ tables, orgId, now }: Context, userId: string): AsyncGenerator<Info> {
  const page = { prefix: idPrefixOf(userId), descending: true }
  for await (const session of walk((at) => tables.sessions.list(orgId, at), page))
    if (isLive(session, now())) yield session
}

function idPrefixOf(userId: string) {
  return `ses_${userId.replace(/^usr_/, '')}-`
}

export function isLive(
  { revokedAt, idleUntil, expiresAt }: Pick<Info, 'revokedAt' | 'idleUntil' | 'expiresAt'>,
  now: Date,
): boolean {
  const seconds = now.getTime() / 1000
  return revokedAt === undefined && seconds < idleUntil && seconds < expiresAt
}
