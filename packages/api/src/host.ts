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

const closedPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Headers of every answer, also of API Gateway and the firewall; the reference pages replace the policy. */
export function securityHeaders(host: Pick<Host, 'publicUrl'>): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': closedPolicy,
    'Cross-Origin-Resource-Policy': 'same-site',
    'Cache-Control': 'no-store',
    // Without TLS the header would make browsers refuse the machine from then on.
    ...(isSecure(host) && { 'Strict-Transport-Security': 'max-age=63072000; includeSubDomains' }),
  }
}

/** Slow, because Hono copies the response. */
export function addMissing(c: Call, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) if (!c.res.headers.has(name)) c.res.headers.set(name, value)
}

/** By its name in lower case; node:http has it parsed, where its server received it. */
export function headerOf(c: Call, name: string): string | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: { headers: Record<string, string | string[] | undefined> } }
  const value = incoming ? incoming.headers[name] : c.req.header(name)
  return Array.isArray(value) ? value.join(', ') : value
}
