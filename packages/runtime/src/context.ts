import { randomUUID } from 'node:crypto'
import { type Context, Id, relayed } from '@cloudoptima/core'
import { createLog } from './log.ts'

interface ContextOptions extends Pick<Context, 'orgId' | 'actor' | 'runtime'>, Partial<Pick<Context, 'log' | 'now'>> {
  requestId?: string
}

export function makeContext({
  orgId,
  actor,
  runtime,
  requestId = randomUUID(),
  log = createLog({ orgId, actor: actor.id, requestId }),
  now = () => new Date(),
}: ContextOptions): Context {
  const newId = (prefix: string) => Id.create(prefix, now())
  return { orgId, actor, requestId, now, newId, runtime, tables: relayed(runtime, log), log }
}
