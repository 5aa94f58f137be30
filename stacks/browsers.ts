import { securityHeaders } from '@cloudoptima/api'
import { settings } from './settings.ts'

/** The headers of what AWS answers in place of the application: those of all its answers, and those that let a page of another origin read it. */
export function headersForBrowsers(): Record<string, string> {
  const { corsOrigins } = settings()
  const [origin, ...others] = corsOrigins
  return {
    // API Gateway speaks nothing but TLS.
    ...securityHeaders({ publicUrl: 'https://' }),
    // A constant, for nothing is computed there: of several origins none can be picked out. The answers say the same to everyone.
    ...(origin !== undefined && {
      'Access-Control-Allow-Origin': others.length === 0 ? origin : '*',
      'Access-Control-Expose-Headers': 'Retry-After',
    }),
  }
}
