import { randomUUID } from 'node:crypto'
import type { Context, Log, Runtime } from '@cloudoptima/core'
import { createLog } from './log.ts'

/** Binds the organisation, the actor and the runtime for one request; the log carries all three ids on every line. */
export function makeContext(given: { orgId: string; actor: string; runtime: Runtime; requestId?: string; log?: Log; now?: () => Date }): Context {
  const { orgId, actor, runtime, requestId = randomUUID(), now = () => new Date() } = given
  return { orgId, actor, requestId, now, runtime, log: given.log ?? createLog({ orgId, actor, requestId }) }
}
