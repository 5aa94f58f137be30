import { detect } from '../../detect.ts'
import type { Caller, Page } from './calls.ts'

/** A table or view of BigQuery with bills. */
export interface BillExport {
  kind: 'focus' | 'detailed' | 'standard'
  dataset: string
  table: string
  /** The name in SQL. */
  from: string
  columns: ReadonlySet<string>
  /** What the partitions are by, if each has the rows of one time of export. */
  partition: string | undefined
}

interface Datasets extends Page {
  datasets?: { datasetReference: { datasetId: string } }[]
}

interface Tables extends Page {
  tables?: { tableReference: { tableId: string } }[]
}

interface Table {
  schema?: { fields?: Field[] }
  timePartitioning?: { type: string; field?: string }
}

interface Field {
  name: string
  mode?: string
  fields?: Field[]
}

/** https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables; a view of FOCUS has any name with it. */
const kinds = [
  ['detailed', /^gcp_billing_export_resource_v1_\w+$/],
  ['standard', /^gcp_billing_export_v1_\w+$/],
  ['focus', /focus/i],
] as const
const ranks = ['focus', 'detailed', 'standard'] as const

/** The exports in the project's datasets, the best kind first. */
export async function billExports(caller: Caller): Promise<BillExport[]> {
  const found: BillExport[] = []
  const root = `/bigquery/v2/projects/${caller.access.credentials.projectId}/datasets`
  const of = { service: 'bigquery', query: { maxResults: '1000' } }
  for await (const { datasets = [] } of caller.pages<Datasets>({ ...of, api: 'bigquery.datasets.list', path: root }))
    for (const { datasetReference } of datasets) {
      const path = `${root}/${encodeURIComponent(datasetReference.datasetId)}/tables`
      const listed = await caller.attempt(`bigquery:${datasetReference.datasetId}`, async () =>
        Array.fromAsync(caller.pages<Tables>({ ...of, api: 'bigquery.tables.list', path })),
      )
      for (const { tableReference } of (listed ?? []).flatMap(({ tables = [] }) => tables))
        found.push(...(await exportOf(caller, path, datasetReference.datasetId, tableReference.tableId)))
    }
  return found.toSorted((a, b) => ranks.indexOf(a.kind) - ranks.indexOf(b.kind))
}

async function exportOf(caller: Caller, path: string, dataset: string, table: string): Promise<BillExport[]> {
  const kind = kinds.find(([, named]) => named.test(table))?.[0]
  // The names become SQL.
  if (!kind || !/^[\w-]+$/.test(table) || !/^\w+$/.test(dataset)) return []
  const read = await caller.attempt(`${dataset}.${table}`, async () =>
    caller.call<Table>({ service: 'bigquery', api: 'bigquery.tables.get', path: `${path}/${table}` }),
  )
  const columns = new Set(leavesOf(read?.schema?.fields ?? []))
  const [format] = detect([...columns])
  const isOfKind = kind === 'focus' ? format?.id.startsWith('focus') : format?.id === 'gcp-export'
  if (!isOfKind) return []
  const partitioned = read?.timePartitioning
  const field = partitioned && (partitioned.field ?? '_PARTITIONTIME')
  return [
    {
      kind,
      dataset,
      table,
      from: `\`${caller.access.credentials.projectId}.${dataset}.${table}\``,
      columns,
      partition: field === '_PARTITIONTIME' || field === 'export_time' ? field : undefined,
    },
  ]
}

/** The fields that one row has once, nested ones as `service.description`. */
function leavesOf(fields: readonly Field[], prefix = ''): string[] {
  return fields.flatMap(({ name, mode, fields: inner }) =>
    inner && mode !== 'REPEATED' ? leavesOf(inner, `${prefix}${name}.`) : [prefix + name],
  )
}
