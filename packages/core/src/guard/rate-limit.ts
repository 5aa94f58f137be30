import { LRUCache } from 'lru-cache'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import { perRuntime } from '../effects/concurrency.ts'

/** Windows begin at multiples of their length. */
export interface Limit {
  name: string
  most: number
  windowSeconds: number
}

/** For the RateLimit-* headers. */
export interface Left {
  limit: number
  remaining: number
  resetSeconds: number
}

/** Of a process in one window: requests it may pass and has passed, and the last known total. */
interface Lease {
  window: number
  left: number
  spent: number
  total: number
  asking: Promise<void> | undefined
}

// A lease is at most 1/20 of the rest, so processes share it fairly.
const share = 20
const leasesOf = perRuntime(() => new LRUCache<string, Lease>({ max: 10_000 }))

/** Throws Fault `rate_limited`. A lease is as large as the process's use so far in the window. */
export async function spend(ctx: Context, limit: Limit): Promise<Left> {
  const lease = leaseOf(ctx, limit)
  while (lease.left === 0) {
    if (lease.total >= limit.most) throw exceeded(ctx, limit)
    await (lease.asking ??= take(ctx, limit, lease).finally(() => (lease.asking = undefined)))
  }
  lease.left--
  lease.spent++
  return leftOf(ctx, limit, lease)
}

/** By local knowledge. */
export function peek(ctx: Context, limit: Limit): Left {
  return leftOf(ctx, limit, leaseOf(ctx, limit))
}

function leftOf(ctx: Context, { most, windowSeconds }: Limit, { window, total, left }: Lease): Left {
  const resetSeconds = Math.max(1, Math.ceil((window + 1) * windowSeconds - ctx.now().getTime() / 1000))
  return { limit: most, remaining: Math.max(0, most - total + left), resetSeconds }
}

function leaseOf(ctx: Context, { name, windowSeconds }: Limit): Lease {
  const leases = leasesOf(ctx.runtime)
  const key = `${ctx.orgId}/${name}`
  const window = Math.floor(ctx.now().getTime() / 1000 / windowSeconds)
  const known = leases.get(key)
  if (known?.window === window) return known
  const fresh: Lease = { window, left: 0, spent: 0, total: 0, asking: undefined }
  leases.set(key, fresh)
  return fresh
}

async function take(ctx: Context, { name, most, windowSeconds }: Limit, lease: Lease) {
  const wanted = Math.max(1, Math.min(lease.spent, Math.floor((most - lease.total) / share)))
  const expiresAt = new Date((lease.window + 2) * windowSeconds * 1000)
  lease.total = await ctx.runtime.counters.add(ctx.orgId, `${name}#${lease.window}`, wanted, expiresAt)
  lease.left = Math.max(0, wanted - Math.max(0, lease.total - most))
}

function exceeded(ctx: Context, limit: Limit) {
  const { resetSeconds } = peek(ctx, limit)
  const span = limit.windowSeconds === 3600 ? 'an hour' : `${Math.round(limit.windowSeconds / 60)} minutes`
  const message = `More than ${limit.most} requests in ${span}. Try again in ${resetSeconds} s.`
  return new Fault('rate_limited', message, [], resetSeconds)
}
