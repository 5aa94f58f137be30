import type { Context as Call } from 'hono'
import type { Log, Runtime } from '@cloudoptima/core'

export interface Host {
  runtime: Runtime
  log: Log
  /** The client's address; headers count only from a trusted proxy. */
  address(call: Call): string | undefined
  /** Base URL of links, without `/v1`; configured, because a client can forge `Host`. */
  publicUrl: string
  /** Queues in the health check, on one machine. */
  queues?: readonly string[]
  corsOrigins?: readonly string[]
  now?: () => Date
}

export function isSecure({ publicUrl }: Pick<Host, 'publicUrl'>): boolean {
  return publicUrl.startsWith('https:')
}
