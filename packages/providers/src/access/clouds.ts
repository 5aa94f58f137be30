import type { Clouds } from '@cloudoptima/core'
import { awsAccess } from '../aws/access.ts'
import { awsSetup } from '../aws/setup.ts'
import { azureAccess } from '../azure/access.ts'
import { gcpAccess } from '../gcp/access.ts'
import type { AccessOptions } from './options.ts'

export { type AccessOptions, type AwsKeys, type Endpoints, endpointsOf } from './options.ts'

/** Access to each cloud with a customer's credentials; the SDK of a cloud is loaded at its first use. */
export function createClouds(options: AccessOptions = {}): Clouds {
  return { aws: { ...awsAccess(options), ...awsSetup(options) }, azure: azureAccess(options), gcp: gcpAccess(options) }
}
