import type { Context as Call } from 'hono'
import type { Log, Runtime } from '@cloudoptima/core'

/** What an app needs from where it runs. */
export interface Host {
  runtime: Runtime
  log: Log
  /** Where the connection comes from; never what a header says, unless a proxy of our own wrote it. */
  address(call: Call): string | undefined
  /** Where the API is reached, without `/v1` and without a slash at the end: for links in mails and redirects. Never taken from a request. */
  publicUrl: string
  /** Queues whose depth the health check tells. For one machine; on AWS CloudWatch shows it. */
  queues?: readonly string[]
  /** Web pages of these origins may call. */
  corsOrigins?: readonly string[]
  now?: () => Date
}

/** Whether everything between us and our callers is encrypted. */
export function isSecure({ publicUrl }: Pick<Host, 'publicUrl'>): boolean {
  return publicUrl.startsWith('https:')
}
