import { setTimeout as sleep } from 'node:timers/promises'
import type { BigQuery, Dataset } from '@google-cloud/bigquery'
import type { JWT } from 'google-auth-library'
import { timeoutMs } from '../access/ask.ts'
import { unavailable } from '../access/verdict.ts'
import type { GcpHosts } from './sign-in.ts'
import { datasetPermissions, type GcpPermission } from './permissions.ts'

const most = 20

/** The client of BigQuery, with our host, whatever the environment says. */
export async function bigQuery(hosts: GcpHosts, authClient: JWT, projectId: string): Promise<BigQuery> {
  // A CommonJS module, as in sign-in.ts.
  const { BigQuery } = (await import('@google-cloud/bigquery')).default
  const client = new BigQuery({ projectId, authClient, autoRetry: false })
  client.baseUrl = new URL('/bigquery/v2', hosts.api('bigquery')).href
  const makeAuthenticatedRequest = (asked: Asked, answered: (error: unknown, body?: object) => void) =>
    void answerTo(authClient, asked).then((body) => answered(null, body), answered)
  return Object.assign(client, { makeAuthenticatedRequest })
}

interface Asked {
  uri: string
  method?: string
  qs?: Record<string, string | number | boolean | undefined>
  json?: object
}

/** In the place of the SDK's transport, which follows redirects, and takes an answer without JSON for a good one. */
async function answerTo(authClient: JWT, { uri, method = 'GET', qs = {}, json }: Asked): Promise<object> {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(qs)) if (value !== undefined) url.searchParams.set(name, String(value))
  const { token } = await authClient.getAccessToken()
  const response = await fetch(url, {
    method,
    redirect: 'error',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(timeoutMs),
    ...(json && { body: JSON.stringify(json) }),
  })
  const answer = objectIn(await response.text())
  if (response.ok && answer) return answer
  const { errors = [] } = answer?.error ?? {}
  const headers = Object.fromEntries(response.headers)
  // As the SDK's own error, which the callers know.
  throw Object.assign(new Error('BigQuery refused a call'), {
    code: response.ok ? undefined : response.status,
    errors: response.ok ? undefined : errors,
    response: { headers },
  })
}

interface Denial {
  error?: { errors?: { reason?: string }[] }
}

function objectIn(text: string): Denial | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // The status alone tells.
    return undefined
  }
}

/** Ends a call of the SDK, whose own time-out has no effect: node-fetch 3 ignores it. */
export async function within<Answer>(ms: number, call: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
  const expiry = sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).then(() => {
    throw unavailable('Google Cloud', 'no answer from BigQuery')
  })
  return await Promise.race([call(), expiry])
}

/** The visible datasets, or why they cannot be listed. */
export async function datasets(client: BigQuery): Promise<Dataset[] | 'denied' | 'api-disabled'> {
  const listed = await attempt(() => client.getDatasets({ maxResults: most, autoPaginate: false }))
  return typeof listed === 'string' ? listed : listed[0]
}

/** The largest set of permissions on a billing export; a grant on its dataset is safer than one on the project. */
export async function grantedOnExport(seen: readonly Dataset[]): Promise<GcpPermission[]> {
  const granted = await Promise.all(seen.map(grantedOn))
  return granted.toSorted((a, b) => b.length - a.length)[0] ?? []
}

async function grantedOn(dataset: Dataset): Promise<GcpPermission[]> {
  const listed = await attempt(() => dataset.getTables({ maxResults: 100, autoPaginate: false }))
  if (typeof listed === 'string') return []
  // https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables
  const table = listed[0].find(({ id }) => /^gcp_billing_export_\w+$/.test(id ?? ''))
  if (!table) return []
  const tested = await attempt(() => table.testIamPermissions([...datasetPermissions]))
  // The dataset and its tables were just listed; a table can only be asked for permissions on tables.
  const seen = ['bigquery.datasets.get', 'bigquery.tables.list']
  const held = new Set([...seen, ...(typeof tested === 'string' ? [] : (tested[0].permissions ?? []))])
  return datasetPermissions.filter((permission) => held.has(permission))
}

async function attempt<Answer>(call: () => Promise<Answer>): Promise<Answer | 'denied' | 'api-disabled'> {
  try {
    return await within(timeoutMs, call)
  } catch (error) {
    // The library's error contains the request.
    const { code, errors = [] } = error as { code?: unknown; errors?: { reason?: string }[] }
    const has = (reason: string) => errors.some((each) => each.reason === reason)
    if (typeof code !== 'number' || code === 429 || code >= 500 || has('rateLimitExceeded'))
      throw unavailable('Google Cloud', 'BigQuery')
    return has('accessNotConfigured') ? 'api-disabled' : 'denied'
  }
}
