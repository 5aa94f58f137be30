import type { AccessOptions } from '../access/options.ts'

export interface GcpHosts {
  token: string
  resourceManager: string
  bigQuery: string
}

/** The token endpoint; the URL in a key file is ignored. */
export const googleToken = 'https://oauth2.googleapis.com/token'

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
