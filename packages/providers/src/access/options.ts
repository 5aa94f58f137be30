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
/** Only the installation sets them, never a customer. */
export type Endpoints = z.infer<typeof Endpoints>

export function endpointsOf(text: string): Endpoints {
  return Endpoints.parse(JSON.parse(text))
}

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface AccessOptions {
  endpoints?: Endpoints
  /** Default `us-east-1`. */
  awsRegion?: string
  /** Default: the SDK's chain. */
  awsCredentials?: AwsKeys
}
