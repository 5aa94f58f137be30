import type { Cloud, CloudAccess } from '@cloudoptima/core'
import { awsAccess } from '../aws/access.ts'
import { azureAccess } from '../azure/access.ts'
import { gcpAccess } from '../gcp/access.ts'
import type { AccessOptions } from './options.ts'

export type { AccessOptions, AwsKeys, Endpoints } from './options.ts'

/** How each cloud is reached with a customer's credentials. The clouds' SDKs are loaded when a cloud is first asked, not before. */
export function createClouds(options: AccessOptions = {}): Record<Cloud, CloudAccess> {
  return { aws: awsAccess(options), azure: azureAccess(options), gcp: gcpAccess(options) } satisfies Record<Cloud, CloudAccess>
}
