import { type Context, expiryIn, noOrganization } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { networkOf } from '../../guard/network.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    attempts: Table<Info>
  }
}

export interface Info {
  /** `{hash of the e-mail address, or user id}/{network, or name of the counter}` */
  id: string
  failures: number
  firstAt: string
  lockedUntil?: string
  /** Locks within a day; each is twice as long as the one before. */
  locks: number
  expiresAt: number
}

const maxFailures = 5
const windowMs = 15 * 60_000
const firstLockMs = 60_000
const maxLockMs = 60 * 60_000
const forgottenSeconds = 24 * 3600

/**
 * Concurrent attempts count fully. Throws Fault `rate_limited` after 5 failures in 15 minutes: for 1 minute, then 2, 4
 * ... up to 60.
 */
export async function attempt(
  ctx: Context,
  account: string,
  from = networkOf(ctx.actor.address),
): Promise<{ succeeded(): Promise<void> }> {
  const id = `${account}/${from}`
  await ctx.tables.attempts.upsert(noOrganization, id, (known) => {
    refuseLocked(ctx, known, from === networkOf(ctx.actor.address))
    return counted(ctx, id, known)
  })
  return { succeeded: () => forgive(ctx, account, from) }
}

export async function forgive(ctx: Context, account: string, from = networkOf(ctx.actor.address)): Promise<void> {
  await ctx.tables.attempts.remove(noOrganization, `${account}/${from}`)
}

function refuseLocked(ctx: Context, known: Info | undefined, isOfNetwork: boolean) {
  const leftMs = Date.parse(known?.lockedUntil ?? '') - ctx.now().getTime()
  if (!(leftMs > 0)) return
  const seconds = Math.ceil(leftMs / 1000)
  const message = isOfNetwork
    ? `Too many attempts from your network. Try again in ${seconds} s, or reset the password.`
    : `Too many wrong codes for this account. Try again in ${seconds} s.`
  throw new Fault('rate_limited', message, [], seconds)
}

function counted(ctx: Context, id: string, known: Info | undefined): Info {
  const now = ctx.now().getTime()
  const isRecent = known !== undefined && now - Date.parse(known.firstAt) < windowMs
  const failures = (isRecent ? known.failures : 0) + 1
  const locks = known !== undefined && known.expiresAt * 1000 > now ? known.locks : 0
  const counted: Info = {
    id,
    failures,
    firstAt: isRecent ? known.firstAt : new Date(now).toISOString(),
    locks,
    expiresAt: expiryIn(ctx, forgottenSeconds),
  }
  if (failures < maxFailures) return counted
  // The fifth attempt is still checked; its success removes the lock.
  return {
    ...counted,
    failures: 0,
    locks: locks + 1,
    lockedUntil: new Date(now + Math.min(maxLockMs, firstLockMs * 2 ** locks)).toISOString(),
  }
}
