import type { Context as Call } from 'hono'
import type { Log, Runtime } from '@cloudoptima/core'

/** The environment of an app: Lambda or one machine. */
export interface Host {
  runtime: Runtime
  log: Log
  /** The client's address, from the connection or from a header of a trusted proxy; a client can forge headers. */
  address(call: Call): string | undefined
  /** Base URL of links, without `/v1` and trailing slash. Configured, because a client can forge `Host`. */
  publicUrl: string
  /** Queues in the answer of the health check. For one machine; on AWS CloudWatch shows them. */
  queues?: readonly string[]
  /** Origins that CORS allows. */
  corsOrigins?: readonly string[]
  now?: () => Date
}

/** Whether callers reach the API over TLS. */
export function isSecure({ publicUrl }: Pick<Host, 'publicUrl'>): boolean {
  return publicUrl.startsWith('https:')
}
