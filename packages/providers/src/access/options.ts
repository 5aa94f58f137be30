import * as z from 'zod'

/** URLs of servers that stand in for the clouds; only the installation sets them, never a customer. */
export interface Endpoints {
  aws?: string
  azure?: { authority: string; resourceManager: string }
  /** `token` exchanges a signed assertion for a token. */
  gcp?: { token: string; api: string }
}

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** The installation's options for access to clouds. */
export interface AccessOptions {
  endpoints?: Endpoints
  /** Of our own STS and of probes of a customer's EC2; default `us-east-1`. */
  awsRegion?: string
  /** Credentials that assume a customer's role; default: the SDK's chain. */
  awsCredentials?: AwsKeys
}

const Url = z.url({ protocol: /^https?$/ })
const EndpointsText = z.strictObject({
  aws: Url.optional(),
  azure: z.strictObject({ authority: Url, resourceManager: Url }).optional(),
  gcp: z.strictObject({ token: Url, api: Url }).optional(),
})

/** Parses endpoints from JSON. */
export function endpointsOf(text: string): Endpoints {
  const { aws, azure, gcp } = EndpointsText.parse(JSON.parse(text))
  return { ...(aws !== undefined && { aws }), ...(azure && { azure }), ...(gcp && { gcp }) }
}
