import { securityHeaders } from '@cloudoptima/api'
import { settings } from '../settings.ts'

/** Headers of the answers that AWS gives instead of the application: the application's security headers, and CORS headers. */
export function headersForBrowsers(): Record<string, string> {
  const { corsOrigins } = settings()
  const [origin, ...others] = corsOrigins
  return {
    // API Gateway accepts TLS only.
    ...securityHeaders({ publicUrl: 'https://' }),
    // AWS sends constant headers and cannot choose one of several origins. These answers contain no data of a customer.
    ...(origin !== undefined && {
      'Access-Control-Allow-Origin': others.length === 0 ? origin : '*',
      'Access-Control-Expose-Headers': 'Retry-After',
    }),
  }
}
