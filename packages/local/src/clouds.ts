import type { Runtime } from '@cloudoptima/core'

/**
 * Customers' clouds with the AWS credentials of the environment; `CLOUD_ENDPOINTS` (JSON) names servers instead of
 * them.
 */
export function cloudsFrom({ CLOUD_ENDPOINTS, AWS_REGION }: NodeJS.ProcessEnv): () => Promise<Runtime['clouds']> {
  return async () => {
    const { createClouds, endpointsOf } = await import('@cloudoptima/providers/access')
    return createClouds({
      ...(CLOUD_ENDPOINTS && { endpoints: endpointsOf(CLOUD_ENDPOINTS) }),
      ...(AWS_REGION && { awsRegion: AWS_REGION }),
    })
  }
}
