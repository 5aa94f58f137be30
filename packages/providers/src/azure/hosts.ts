import type { HttpClient } from '@azure/core-rest-pipeline'
import { timeoutMs } from '../access/ask.ts'
import type { AccessOptions } from '../access/options.ts'

export interface AzureHosts {
  authority: string
  resourceManager: string
  /** Stand-ins; each storage account or region is the first segment of the path. */
  blob?: string
  metrics?: string
  isStandIn: boolean
}

/** The scopes of tokens, whatever the host. */
export const scope = 'https://management.azure.com/.default'
export const blobScope = 'https://storage.azure.com/.default'
export const metricsScope = 'https://metrics.monitor.azure.com/.default'

/** The host of a storage account; `account` is valid. */
export const blobHost = (account: string) => `https://${account}.blob.core.windows.net`

/** The host of a region's metrics. */
export const metricsHost = (region: string) => `https://${region}.metrics.monitor.azure.com`

const families = [
  { key: 'blob', host: /^([a-z\d]{3,24})\.blob\.core\.windows\.net$/ },
  { key: 'metrics', host: /^([a-z\d]+)\.metrics\.monitor\.azure\.com$/ },
] as const

/** Microsoft's hosts, or the servers that stand in for them. */
export function hostsOf({ endpoints }: AccessOptions): AzureHosts {
  const azure = endpoints?.azure
  if (azure) return { ...azure, isStandIn: true }
  return {
    authority: 'https://login.microsoftonline.com',
    resourceManager: 'https://management.azure.com',
    isStandIn: false,
  }
}

/** The SDKs refuse credentials over HTTP, which a server on loopback may use. */
export const secure = (url: string) => url.replace(/^http:/, 'https:')

/** The HTTP client of the SDKs: limited to the product's hosts and in time, and HTTP where the host uses it. */
export async function sender(hosts: AzureHosts, timeout = timeoutMs): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  return {
    async sendRequest(request) {
      const url = new URL(request.url)
      const base = baseOf(hosts, url)
      if (base === undefined) throw new Error('A request to a host outside Azure was blocked')
      request.url = `${base}${url.pathname}${url.search}`
      request.allowInsecureConnection = base.startsWith('http:')
      // A proxy is chosen by the host of before.
      if (hosts.isStandIn) delete request.agent
      request.timeout = timeout
      return await client.sendRequest(request)
    },
  }
}

/** The URL that replaces the origin of a request; undefined for hosts that get no token of ours. */
function baseOf(hosts: AzureHosts, { origin, protocol, host }: URL): string | undefined {
  for (const known of [hosts.authority, hosts.resourceManager])
    if (new URL(secure(known)).origin === origin) return new URL(known).origin
  if (protocol !== 'https:') return undefined
  for (const family of families) {
    const name = family.host.exec(host)?.[1]
    if (name === undefined) continue
    const standIn = hosts[family.key]
    if (standIn !== undefined) return `${standIn.replace(/\/$/, '')}/${name}`
    if (!hosts.isStandIn) return origin
  }
  return undefined
}
