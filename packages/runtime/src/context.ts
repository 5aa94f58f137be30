import { randomUUID } from 'node:crypto'
import { type Actor, type Context, Id, type Log, relayed, type Runtime } from '@cloudoptima/core'
import { createLog } from './log.ts'

interface ContextOptions {
  orgId: string
  actor: Actor.Actor
  runtime: Runtime
  requestId?: string
  log?: Log
  now?: () => Date
  /** Default: time-ordered random ids. */
  newId?: (prefix: string) => string
  currency?: string
}

/** Creates the context of one request. Each log line has the ids of the organization, the actor and the request. */
export function makeContext({
  orgId,
  actor,
  runtime,
  requestId = randomUUID(),
  log = createLog({ orgId, actor: actor.id, requestId }),
  now = () => new Date(),
  newId,
  currency,
}: ContextOptions): Context {
  return {
    orgId,
    actor,
    requestId,
    now,
    newId: newId ?? ((prefix) => Id.create(prefix, now())),
    ...(currency !== undefined && { currency }),
    runtime,
    tables: relayed(runtime, log),
    log,
  }
}
