import * as z from 'zod'

/** URLs that stand in for the clouds, as in tests on loopback. Only the installation sets them, never a customer. */
export interface Endpoints {
  /** One for all services. */
  aws?: string
  /** Microsoft's sign-in and its resource manager. */
  azure?: { authority: string; resourceManager: string }
  /** `token` is where a signed assertion is exchanged, `api` the base of all APIs. */
  gcp?: { token: string; api: string }
}

/** Keys that sign requests to AWS. */
export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** What an installation decides about reaching clouds. */
export interface AccessOptions {
  endpoints?: Endpoints
  /** The region of our own STS, and the one in which a customer's EC2 is tried; `us-east-1` unless told. */
  awsRegion?: string
  /** Ours, with which a customer's role is assumed; the SDK's usual chain unless told. */
  awsCredentials?: AwsKeys
}

const Url = z.url({ protocol: /^https?$/ })
const EndpointsText = z.strictObject({
  aws: Url.optional(),
  azure: z.strictObject({ authority: Url, resourceManager: Url }).optional(),
  gcp: z.strictObject({ token: Url, api: Url }).optional(),
})

/** The endpoints that a JSON text names. Throws where it names something else. */
export function endpointsOf(text: string): Endpoints {
  const { aws, azure, gcp } = EndpointsText.parse(JSON.parse(text))
  return { ...(aws !== undefined && { aws }), ...(azure && { azure }), ...(gcp && { gcp }) }
}
