import { Snapshot } from '@cloudoptima/core'
import { isLoopbackHost } from '../server/exposure.ts'
import { emailsOf, keptPassword, orgId, passwordFile, sampleOrgId } from '../organization.ts'
import type { Product } from '../product.ts'
import { defaultData, type StartOptions } from './options.ts'
import { style, heading, pasteable } from './output.ts'

export function inFolder(data: string): string {
  return data === defaultData ? '' : ` --data ${pasteable(data)}`
}

function warnings({ host, publicUrl, trustProxy }: StartOptions) {
  const plain =
    '  Other machines can reach the API without encryption: put a TLS proxy before it and name it with --public-url.'
  const crowded =
    '  All clients of the proxy share one rate limit: if it sets X-Forwarded-For, name its address with --trust-proxy.'
  return [
    ...(!isLoopbackHost(host) && publicUrl === undefined ? [style.yellow(plain)] : []),
    ...(publicUrl !== undefined && trustProxy === undefined ? [style.yellow(crowded)] : []),
  ]
}

export async function invitation({ ctx, api = '' }: Product, options: StartOptions): Promise<string> {
  const { data, publicUrl } = options
  const { snapshots } = await Snapshot.view(ctx)
  const months = [...new Set(snapshots.map(({ period }) => period))].toSorted().slice(-2)
  const ask = (path: string) => `  curl -s -H "Authorization: Bearer $TOKEN" '${api}${path}'`
  const password = await keptPassword(data)
  const where = inFolder(data)
  return [
    heading(`The API answers at ${publicUrl === undefined ? api : `${publicUrl}/v1, and to the proxy at ${api}`}`),
    ...warnings(options),
    `  Sign in as ${emailsOf(orgId).join(', ')} (your own bills)`,
    `  or as ${emailsOf(sampleOrgId).join(', ')},`,
    password === undefined
      ? `  with the password that was in ${passwordFile(data)}. That file is gone, but the token below needs no ` +
        'password.'
      : `  with the password ${password} (in ${passwordFile(data)}), until they change it.`,
    '',
    `  TOKEN=$(npm start --silent -- token${where})`,
    ask('/costs/overview?granularity=monthly&group_by=service'),
    ...months
      .slice(0, 1)
      .flatMap((month) => [ask(`/costs/by-service?month=${month}`), ask(`/costs/reconciliation?period=${month}`)]),
    `  Reference: ${api}/docs   Mails: npm start -- mails${where}`,
    '',
    style.dim('Ctrl-C ends.'),
  ].join('\n')
}
