import { type Context as Call } from 'hono'
import {
  Actor,
  type Context,
  Fault,
  Id,
  Identity,
  type Log,
  networkOf,
  Organization,
  type RateLimit,
  relayed,
  noOrganization,
} from '@cloudoptima/core'
import type { Host } from './host.ts'
import type { Route } from './route.ts'

/** A request that is let in: in whose name, and against which limit it counts. */
export interface Admitted {
  ctx: Context
  limit: RateLimit.Limit | undefined
}

/** Whoever it is that asks, before they are known. */
export function anybody(c: Call, host: Host, requestId: string): Context {
  const address = host.address(c)
  const userAgent = c.req.header('User-Agent')?.slice(0, 256)
  const now = host.now ?? (() => new Date())
  const actor = Actor.anonymous({
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { userAgent }),
  })
  const log = bound(host.log, { requestId, ...(address !== undefined && { address }) })
  return {
    orgId: noOrganization,
    actor,
    requestId,
    now,
    newId: (prefix) => Id.create(prefix, now()),
    log,
    tables: relayed(host.runtime, log),
    runtime: host.runtime,
  }
}

/** A log that says on every line whose request it is. */
export function bound(log: Log, fields: Record<string, unknown>): Log {
  return {
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  }
}

/** Finds out who asks. Throws Fault `unauthenticated`; a refusal is logged, so that a burst of them is seen. */
export async function admitted(anyone: Context, route: Route, header: string | undefined): Promise<Admitted> {
  if (route.permission === 'public') return { ctx: anyone, limit: addressLimit(anyone, route) }
  try {
    const { ctx, tier } = await Identity.authenticate(anyone, header)
    const log = bound(ctx.log, { orgId: ctx.orgId, actor: ctx.actor.id })
    return {
      ctx: { ...ctx, log },
      limit: { name: 'requests', most: Organization.requestsPerHour[tier], windowSeconds: 3600 },
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthenticated')
      anyone.log.warn('denied', { action: route.id, permission: route.permission, code: error.code })
    throw error
  }
}

function addressLimit({ actor }: Context, { id, contract }: Route): RateLimit.Limit | undefined {
  return contract.perAddress && { ...contract.perAddress, name: `address/${networkOf(actor.address)}/${id}` }
}
