import { timeoutMs } from '../access/ask.ts'
import type { AccessOptions } from '../access/options.ts'
import type { HttpClient } from '@azure/core-rest-pipeline'

/** The hosts of Azure. */
export interface AzureHosts {
  authority: string
  resourceManager: string
  /** Whether other servers stand in for Microsoft. */
  isStandIn: boolean
}

/** The scope of tokens. It does not depend on the host of the resource manager. */
export const scope = 'https://management.azure.com/.default'

/** Microsoft's hosts, or the servers that stand in for them. */
export function hostsOf({ endpoints }: AccessOptions): AzureHosts {
  const { authority, resourceManager } = endpoints?.azure ?? {
    authority: 'https://login.microsoftonline.com',
    resourceManager: 'https://management.azure.com',
  }
  return { authority, resourceManager, isStandIn: endpoints?.azure !== undefined }
}

/** Option of the SDKs, which refuse credentials over HTTP. A server on loopback may use HTTP. */
export const secure = (url: string) => url.replace(/^http:/, 'https:')

/**
 * The HTTP client of the SDKs. It limits requests to the two hosts and to a time, and allows HTTP if the host uses it.
 */
export async function sender({ authority, resourceManager }: AzureHosts): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  const origins = new Map([authority, resourceManager].map((url) => [new URL(secure(url)).origin, new URL(url).origin]))
  return {
    async sendRequest(request) {
      const url = new URL(request.url)
      const origin = origins.get(url.origin)
      if (origin === undefined) throw new Error('A request to a host outside Azure was blocked')
      request.url = `${origin}${url.pathname}${url.search}`
      request.allowInsecureConnection = origin.startsWith('http:')
      request.timeout = timeoutMs
      return await client.sendRequest(request)
    },
  }
}
