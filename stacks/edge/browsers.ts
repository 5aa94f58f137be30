import { securityHeaders } from '@cloudoptima/api'
import { settings } from '../settings.ts'

/** Of answers that AWS gives instead of the application. */
export function headersForBrowsers(): Record<string, string> {
  const { corsOrigins } = settings()
  const [origin, ...others] = corsOrigins
  return {
    // API Gateway accepts TLS only.
    ...securityHeaders({ publicUrl: 'https://' }),
    // AWS cannot choose one of several origins; these answers hold no customer's data.
    ...(origin !== undefined && {
      'Access-Control-Allow-Origin': others.length === 0 ? origin : '*',
      'Access-Control-Expose-Headers': 'Retry-After',
    }),
  }
}
