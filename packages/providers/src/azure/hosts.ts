import { timeoutMs } from '../access/ask.ts'
import type { AccessOptions } from '../access/options.ts'
import type { HttpClient } from '@azure/core-rest-pipeline'

export interface AzureHosts {
  authority: string
  resourceManager: string
  isStandIn: boolean
}

/** The scope of tokens, whatever the host of the resource manager. */
export const scope = 'https://management.azure.com/.default'

export function hostsOf({ endpoints }: AccessOptions): AzureHosts {
  const { authority, resourceManager } = endpoints?.azure ?? {
    authority: 'https://login.microsoftonline.com',
    resourceManager: 'https://management.azure.com',
  }
  return { authority, resourceManager, isStandIn: endpoints?.azure !== undefined }
}

/** The SDKs refuse credentials over HTTP, which a server on loopback may use. */
export const secure = (url: string) => url.replace(/^http:/, 'https:')

/** Limited to the two hosts and in time, and HTTP where the host uses it. */
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
