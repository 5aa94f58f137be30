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
import { headerOf, type Host } from './host.ts'
import type { Route } from './route.ts'

export interface Admission {
  ctx: Context
  limit: RateLimit.Limit | undefined
}

export function anonymousContext(c: Call, host: Host, requestId: string): Context {
  const address = host.address(c)
  const userAgent = headerOf(c, 'user-agent')?.slice(0, 256)
  const now = host.now ?? (() => new Date())
  const log = withFields(host.log, { requestId, address })
  return {
    orgId: noOrganization,
    actor: Actor.anonymous({ address, userAgent }),
    requestId,
    now,
    newId: (prefix) => Id.create(prefix, now()),
    log,
    tables: relayed(host.runtime, log),
    runtime: host.runtime,
  }
}

function withFields(log: Log, fields: Record<string, unknown>): Log {
  return {
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  }
}

/** Logs a refusal, so that an alarm can count it; throws Fault `unauthenticated`. */
export async function admissionOf(
  anonymous: Context,
  host: Host,
  route: Route,
  authorization: string | undefined,
): Promise<Admission> {
  if (route.permission === 'public') return { ctx: anonymous, limit: addressLimit(anonymous, route) }
  try {
    const { ctx, tier } = await Identity.authenticate(anonymous, authorization)
    const { requestId, orgId, actor } = ctx
    ctx.log = withFields(host.log, { requestId, address: actor.address, orgId, actor: actor.id })
    return {
      ctx,
      limit: { name: 'requests', most: Organization.requestsPerHour[tier], windowSeconds: 3600 },
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthenticated')
      anonymous.log.warn('denied', { action: route.id, permission: route.permission, code: error.code })
    throw error
  }
}

function addressLimit({ actor }: Context, { id, contract }: Route): RateLimit.Limit | undefined {
  return contract.perAddress && { ...contract.perAddress, name: `address/${networkOf(actor.address)}/${id}` }
}
