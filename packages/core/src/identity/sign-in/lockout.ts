import { type Context, noOrganization } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { networkOf } from '../../guard/network.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    /** Attempts to sign in; under `noOrganization`. */
    attempts: Table<Info>
  }
}

/** Attempts to sign in to one account from one address. Accounts that do not exist have them too. */
export interface Info {
  /** `{hash of the e-mail address, or id of the user}/{network, or what is counted wherever it comes from}` */
  id: string
  failures: number
  firstAt: string
  lockedUntil?: string
  /** How often it was locked within a day: each lock is twice as long as the one before. */
  locks: number
  expiresAt: number
}

const most = 5
const windowMs = 15 * 60_000
const firstLockMs = 60_000
const longestLockMs = 60 * 60_000
const forgottenSeconds = 24 * 3600

/**
 * Counts an attempt before the password is looked at, so that many at once are as many as many in a row. Throws Fault `rate_limited` while the pair is
 * locked: after 5 failures in 15 minutes, for a minute, then two, four ..., an hour at most. Others sign in to the same account from elsewhere meanwhile.
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
  return { succeeded: async () => await forgive(ctx, account, from) }
}

/** Forgets the attempts from the caller's network: who was recognised there is let in. */
export async function forgive(ctx: Context, account: string, from = networkOf(ctx.actor.address)): Promise<void> {
  await ctx.tables.attempts.remove(noOrganization, `${account}/${from}`)
}

function refuseLocked(ctx: Context, known: Info | undefined, isOfNetwork: boolean): void {
  const leftMs = Date.parse(known?.lockedUntil ?? '') - ctx.now().getTime()
  if (!(leftMs > 0)) return
  const seconds = Math.ceil(leftMs / 1000)
  const message = isOfNetwork
    ? `Too many attempts from your address. Try again in ${seconds} s, or reset the password.`
    : `Too many wrong codes for this account. Try again in ${seconds} s.`
  throw new Fault('rate_limited', message, [], seconds)
}

function counted(ctx: Context, id: string, known: Info | undefined): Info {
  const now = ctx.now().getTime()
  const isRecent = known !== undefined && now - Date.parse(known.firstAt) < windowMs
  const failures = (isRecent ? known.failures : 0) + 1
  // The store forgets in its own time.
  const locks = known !== undefined && known.expiresAt * 1000 > now ? known.locks : 0
  const counted: Info = {
    id,
    failures,
    firstAt: isRecent ? known.firstAt : new Date(now).toISOString(),
    locks,
    expiresAt: Math.ceil(now / 1000) + forgottenSeconds,
  }
  if (failures < most) return counted
  // The last attempt that is free is carried out; if it is right, its success takes the lock away.
  return {
    ...counted,
    failures: 0,
    locks: locks + 1,
    lockedUntil: new Date(now + Math.min(longestLockMs, firstLockMs * 2 ** locks)).toISOString(),
  }
}
