import * as z from 'zod'

/**
 * URLs of servers that stand in for the clouds, as in tests on loopback. Only the installation sets them, never a
 * customer.
 */
export interface Endpoints {
  /** One URL for all services. */
  aws?: string
  /** Microsoft's sign-in and resource manager. */
  azure?: { authority: string; resourceManager: string }
  /** `token` exchanges a signed assertion for a token. `api` is the base URL of all APIs. */
  gcp?: { token: string; api: string }
}

/** Keys that sign requests to AWS. */
export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** The installation's options for access to clouds. */
export interface AccessOptions {
  endpoints?: Endpoints
  /** The region of our own STS, and of the permission probes of a customer's EC2. `us-east-1` by default. */
  awsRegion?: string
  /** Our own credentials, which assume a customer's role. The SDK's default chain by default. */
  awsCredentials?: AwsKeys
}

const Url = z.url({ protocol: /^https?$/ })
const EndpointsText = z.strictObject({
  aws: Url.optional(),
  azure: z.strictObject({ authority: Url, resourceManager: Url }).optional(),
  gcp: z.strictObject({ token: Url, api: Url }).optional(),
})

/** Parses endpoints from JSON. Throws if the text has another format. */
export function endpointsOf(text: string): Endpoints {
  const { aws, azure, gcp } = EndpointsText.parse(JSON.parse(text))
  return { ...(aws !== undefined && { aws }), ...(azure && { azure }), ...(gcp && { gcp }) }
}
