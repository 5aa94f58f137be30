import type { CostManagementClient } from '@azure/arm-costmanagement'
import type { HttpClient } from '@azure/core-rest-pipeline'
import { type AzureHosts, secure } from './hosts.ts'

/** The SDK's client; `httpClient` adds the token to its requests. */
export async function costManagement(hosts: AzureHosts, httpClient: HttpClient): Promise<CostManagementClient> {
  const { CostManagementClient } = await import('@azure/arm-costmanagement')
  const { bearerTokenAuthenticationPolicyName } = await import('@azure/core-rest-pipeline')
  const options = {
    endpoint: secure(hosts.resourceManager),
    // The SDK's own version, 2022-10-01, is older than exports of FOCUS.
    apiVersion: '2025-03-01',
    httpClient,
    retryOptions: { maxRetries: 0 },
  }
  const client = new CostManagementClient({ getToken: async () => null }, options)
  client.pipeline.removePolicy({ name: bearerTokenAuthenticationPolicyName })
  return client
}
