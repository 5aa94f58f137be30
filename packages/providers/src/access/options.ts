import * as z from 'zod'

/** Secrets and tokens are sent to it. */
const Trusted = z
  .url({ protocol: /^https?$/ })
  .regex(/^(https:|http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(\/|$))/, {
    error: 'Outside of loopback, it needs HTTPS.',
  })
const Endpoints = z.strictObject({
  aws: Trusted.exactOptional(),
  azure: z
    .strictObject({
      authority: Trusted,
      resourceManager: Trusted,
      blob: Trusted.describe('Has a path for each storage account.').exactOptional(),
      metrics: Trusted.describe('Has a path for each region.').exactOptional(),
    })
    .exactOptional(),
  gcp: z
    .strictObject({ token: Trusted.describe('Exchanges a signed assertion for a token.'), api: Trusted })
    .exactOptional(),
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
