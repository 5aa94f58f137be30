import type { Context as Call } from 'hono'
import { type Host, isSecure } from './host.ts'

/** What a browser may do with an answer that is no page: nothing. */
const nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Headers of every answer, whoever makes it: the application, API Gateway, or the firewall. A page has a policy of its own. */
export function securityHeaders(host: Pick<Host, 'publicUrl'>): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': nothing,
    'Cross-Origin-Resource-Policy': 'same-site',
    'Cache-Control': 'no-store',
    // Browsers heed it over TLS only, and a machine without TLS would shut itself out.
    ...(isSecure(host) && { 'Strict-Transport-Security': 'max-age=63072000; includeSubDomains' }),
  }
}

/** Gives an answer that was not made with these headers those that it lacks. It takes the answer apart: too dear for every one. */
export function complete(c: Call, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) if (!c.res.headers.has(name)) c.res.headers.set(name, value)
}
