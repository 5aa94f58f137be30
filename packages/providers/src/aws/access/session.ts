import { timeoutMs } from '../../access/ask.ts'
import type { AccessOptions, AwsKeys } from '../../access/options.ts'

export interface Session {
  credentials: AwsKeys
  /** The region of regional services. */
  region: string
  endpoint?: string
}

/** The region of IAM, Organizations, Cost Explorer and the exports. */
export const globalRegion = 'us-east-1'

/** The retries are few and short, because a person is waiting. */
export function settings({ credentials, endpoint }: Session, region = globalRegion) {
  return { ...reach(endpoint, region), credentials }
}

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

export interface Role {
  arn: string
  account: string
}

// A path, then a name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
const roleArn = /^arn:aws(?:-cn|-us-gov)?:iam::(?<account>\d{12}):role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/

export function parseRole(arn: string): Role | undefined {
  const account = roleArn.exec(arn)?.groups?.['account']
  return account === undefined || arn.length > 2048 ? undefined : { arn, account }
}
