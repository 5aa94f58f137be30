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
  newId?: (prefix: string) => string
  currency?: string
}

/** Creates the context of one request, whose log lines name organization, actor and request. */
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
