import type { Clouds } from '@cloudoptima/core'
import { awsAccess } from '../aws/access.ts'
import { awsSetup } from '../aws/setup.ts'
import { azureAccess } from '../azure/access.ts'
import { gcpAccess } from '../gcp/access.ts'
import { type AccessOptions, endpointsOf } from './options.ts'

export { type AccessOptions, type AwsKeys, type Endpoints } from './options.ts'

export function createClouds(options: AccessOptions = {}): Clouds {
  return { aws: { ...awsAccess(options), ...awsSetup(options) }, azure: azureAccess(options), gcp: gcpAccess(options) }
}

/** `CLOUD_ENDPOINTS` (JSON) names servers that replace the clouds. */
export function cloudsOf({ CLOUD_ENDPOINTS, AWS_REGION }: NodeJS.ProcessEnv): Clouds {
  return createClouds({
    ...(CLOUD_ENDPOINTS && { endpoints: endpointsOf(CLOUD_ENDPOINTS) }),
    ...(AWS_REGION && { awsRegion: AWS_REGION }),
  })
}
