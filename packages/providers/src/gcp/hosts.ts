import type { AccessOptions } from '../access/options.ts'

/** Whom Google is asked at. */
export interface GcpHosts {
  token: string
  resourceManager: string
  bigQuery: string
}

/** Where google-auth-library exchanges an assertion, whatever a key file says. */
export const googleToken = 'https://oauth2.googleapis.com/token'

/** Google's hosts, or those that stand in for them. */
export function hostsOf({ endpoints }: AccessOptions): GcpHosts {
  const standIn = endpoints?.gcp
  return standIn
    ? { token: standIn.token, resourceManager: standIn.api, bigQuery: standIn.api }
    : {
        token: googleToken,
        resourceManager: 'https://cloudresourcemanager.googleapis.com',
        bigQuery: 'https://bigquery.googleapis.com',
      }
}
