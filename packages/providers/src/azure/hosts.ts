import { timeoutMs } from '../access/ask.ts'
import type { AccessOptions } from '../access/options.ts'
import type { HttpClient } from '@azure/core-rest-pipeline'

/** Whom Azure is asked at. */
export interface AzureHosts {
  authority: string
  resourceManager: string
  /** Whether others stand in for Microsoft. */
  isStandIn: boolean
}

/** What tokens are asked for, wherever the resource manager stands. */
export const scope = 'https://management.azure.com/.default'

/** Microsoft's hosts, or those that stand in for them. */
export function hostsOf({ endpoints }: AccessOptions): AzureHosts {
  const { authority, resourceManager } = endpoints?.azure ?? {
    authority: 'https://login.microsoftonline.com',
    resourceManager: 'https://management.azure.com',
  }
  return { authority, resourceManager, isStandIn: endpoints?.azure !== undefined }
}

/** As the SDKs want it: they refuse to send credentials over HTTP, which a stand-in on loopback may speak. */
export const secure = (url: string) => url.replace(/^http:/, 'https:')

/** Sends the SDKs' requests: to the two hosts and no other, for a limited time, and over HTTP where the stand-in speaks it. */
export async function sender({ authority, resourceManager }: AzureHosts): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  const origins = new Map([authority, resourceManager].map((url) => [new URL(secure(url)).origin, new URL(url).origin]))
  return {
    async sendRequest(request) {
      const url = new URL(request.url)
      const origin = origins.get(url.origin)
      if (origin === undefined) throw new Error('A request to a host that is not of Azure was stopped')
      request.url = `${origin}${url.pathname}${url.search}`
      request.allowInsecureConnection = origin.startsWith('http:')
      request.timeout = timeoutMs
      return await client.sendRequest(request)
    },
  }
}
