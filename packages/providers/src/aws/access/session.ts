import { timeoutMs } from '../../access/ask.ts'
import type { AccessOptions, AwsKeys } from '../../access/options.ts'

/** With what and where a customer's account is asked. */
export interface Session {
  credentials: AwsKeys
  /** Of the services that are regional; the others live in us-east-1. */
  region: string
  /** Stands in for all of AWS. */
  endpoint?: string
}

/** Where IAM, Organizations, Cost Explorer and the exports are. */
export const globalRegion = 'us-east-1'

/** What each SDK client is made with: few and short tries, for a person is waiting. */
export function settings({ credentials, endpoint }: Session, region = globalRegion) {
  return { ...reach(endpoint, region), credentials }
}

/** The same for calls with our own credentials. */
export function ownSettings({ awsCredentials, endpoints, awsRegion = globalRegion }: AccessOptions) {
  return { ...reach(endpoints?.aws, awsRegion), ...(awsCredentials && { credentials: awsCredentials }) }
}

function reach(endpoint: string | undefined, region: string) {
  return {
    region,
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3000, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
    ...(endpoint !== undefined && { endpoint }),
  }
}
