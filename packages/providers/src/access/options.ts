import * as z from 'zod'

const Url = z.url({ protocol: /^https?$/ })
const Endpoints = z.strictObject({
  aws: Url.exactOptional(),
  azure: z
    .strictObject({
      authority: Url,
      resourceManager: Url,
      blob: Url.describe('Has a path for each storage account.').exactOptional(),
      metrics: Url.describe('Has a path for each region.').exactOptional(),
    })
    .exactOptional(),
  gcp: z.strictObject({ token: Url.describe('Exchanges a signed assertion for a token.'), api: Url }).exactOptional(),
})
/** URLs of servers that stand in for the clouds; only the installation sets them, never a customer. */
export type Endpoints = z.infer<typeof Endpoints>

/** Parses endpoints from JSON. */
export function endpointsOf(text: string): Endpoints {
  return Endpoints.parse(JSON.parse(text))
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
