import { ask } from '../access/ask.ts'
import { unavailable } from '../access/verdict.ts'
import type { GcpHosts } from './sign-in.ts'
import { datasetPermissions, type GcpPermission } from './permissions.ts'

/** BigQuery's REST API, signed in. */
export interface BigQuery {
  hosts: GcpHosts
  token: string
  projectId: string
}

interface Listed {
  datasets?: { datasetReference: { datasetId: string } }[]
  tables?: { tableReference: { tableId: string } }[]
  permissions?: string[]
  error?: { errors?: { reason?: string }[] }
}

/** The visible datasets, or why they cannot be listed. */
export async function datasets(of: BigQuery): Promise<string[] | 'denied' | 'api-disabled'> {
  const listed = await attempt(of, 'datasets?maxResults=20')
  return typeof listed === 'string'
    ? listed
    : (listed.datasets ?? []).map(({ datasetReference }) => datasetReference.datasetId)
}

/** The largest set of permissions on a billing export; a grant on its dataset is safer than one on the project. */
export async function grantedOnExport(of: BigQuery, seen: readonly string[]): Promise<GcpPermission[]> {
  const granted = await Promise.all(seen.map(async (dataset) => await grantedOn(of, dataset)))
  return granted.toSorted((a, b) => b.length - a.length)[0] ?? []
}

async function grantedOn(of: BigQuery, dataset: string): Promise<GcpPermission[]> {
  const tables = `datasets/${encodeURIComponent(dataset)}/tables`
  const listed = await attempt(of, `${tables}?maxResults=100`)
  if (typeof listed === 'string') return []
  // https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables
  const names = (listed.tables ?? []).map(({ tableReference }) => tableReference.tableId)
  const table = names.find((id) => /^gcp_billing_export_\w+$/.test(id))
  if (table === undefined) return []
  const tested = await attempt(of, `${tables}/${table}:testIamPermissions`, { permissions: datasetPermissions })
  // The dataset and its tables were just listed; a table can only be asked for permissions on tables.
  const seen = ['bigquery.datasets.get', 'bigquery.tables.list']
  const held = new Set([...seen, ...(typeof tested === 'string' ? [] : (tested.permissions ?? []))])
  return datasetPermissions.filter((permission) => held.has(permission))
}

async function attempt(
  { hosts, token, projectId }: BigQuery,
  path: string,
  body?: object,
): Promise<Listed | 'denied' | 'api-disabled'> {
  const url = new URL(`/bigquery/v2/projects/${projectId}/${path}`, hosts.api('bigquery'))
  const answered = await ask(url, { cloud: 'Google Cloud', token, body })
  const answer = (answered.body ?? {}) as Listed
  if (answered.status === 200) return answer
  const has = (reason: string) => answer.error?.errors?.some((each) => each.reason === reason)
  if (has('rateLimitExceeded')) throw unavailable('Google Cloud', 'BigQuery')
  return has('accessNotConfigured') ? 'api-disabled' : 'denied'
}
