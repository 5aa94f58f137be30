import type { AccessOptions } from '../access/options.ts'

export interface GcpHosts {
  token: string
  /** The URL of a service: `compute` is at `https://compute.googleapis.com`. */
  api(service: string): string
}

/** The token endpoint; the URL in a key file is ignored. */
export const googleToken = 'https://oauth2.googleapis.com/token'

/** Google's hosts, or the servers that stand in for them. */
export function hostsOf({ endpoints }: AccessOptions): GcpHosts {
  const standIn = endpoints?.gcp
  return standIn
    ? { token: standIn.token, api: () => standIn.api }
    : { token: googleToken, api: (service) => `https://${service}.googleapis.com` }
}
