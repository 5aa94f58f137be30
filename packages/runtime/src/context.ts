import { randomUUID } from 'node:crypto'
import { type Actor, type Context, Id, type Log, relayed, type Runtime } from '@cloudoptima/core'
import { createLog } from './log.ts'

interface Given {
  orgId: string
  actor: Actor.Actor
  runtime: Runtime
  requestId?: string
  log?: Log
  now?: () => Date
  /** Without it ids are made of the time and of chance. */
  newId?: (prefix: string) => string
  currency?: string
}

/** Binds the organization, the actor and the runtime for one request; the log carries their ids on every line. */
export function makeContext({
  orgId,
  actor,
  runtime,
  requestId = randomUUID(),
  log = createLog({ orgId, actor: actor.id, requestId }),
  now = () => new Date(),
  newId,
  currency,
}: Given): Context {
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
