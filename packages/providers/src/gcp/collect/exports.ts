import type { Dataset, FormattedMetadata, PagedResponse, Table, TableField } from '@google-cloud/bigquery'
import { detect } from '../../detect.ts'
import type { Caller } from './calls.ts'

/** A table or view of BigQuery with bills. */
export interface BillExport {
  kind: 'focus' | 'detailed' | 'standard'
  dataset: string
  table: string
  location: string | undefined
  /** The name in SQL. */
  from: string
  columns: ReadonlySet<string>
  /** What the partitions are by, if each has the rows of one time of export. */
  partition: string | undefined
  /** Milliseconds since 1970; undefined for a view, and while rows are streamed, which change without it. */
  changedAt: string | undefined
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
  const datasets = await listed((page) =>
    caller.bigQuery('bigquery.datasets.list', (client) => client.getDatasets(page)),
  )
  for (const dataset of datasets) {
    const tables = await caller.attempt(`bigquery:${dataset.id}`, async () =>
      listed((page) => caller.bigQuery('bigquery.tables.list', () => dataset.getTables(page))),
    )
    for (const table of tables ?? []) found.push(...(await exportOf(caller, dataset, table)))
  }
  return found.toSorted((a, b) => ranks.indexOf(a.kind) - ranks.indexOf(b.kind))
}

interface Page {
  maxResults?: number
  autoPaginate?: boolean
  pageToken?: string
}

async function listed<Item>(list: (page: Page) => Promise<PagedResponse<Item, Page, unknown>>): Promise<Item[]> {
  const items: Item[] = []
  for (let page: Page = { maxResults: 1000, autoPaginate: false }; ;) {
    const [some, next] = await list(page)
    items.push(...some)
    if (!next?.pageToken) return items
    page = { ...page, pageToken: next.pageToken }
  }
}

async function exportOf(caller: Caller, { id: dataset = '', location }: Dataset, table: Table): Promise<BillExport[]> {
  const { id: name = '' } = table
  const kind = kinds.find(([, named]) => named.test(name))?.[0]
  // The names become SQL.
  if (!kind || !/^[\w-]+$/.test(name) || !/^\w+$/.test(dataset)) return []
  const read = await caller.attempt(`${dataset}.${name}`, async () => {
    const [described] = await caller.bigQuery('bigquery.tables.get', () => table.getMetadata())
    return described as FormattedMetadata
  })
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
      table: name,
      location,
      from: `\`${caller.access.credentials.projectId}.${dataset}.${name}\``,
      columns,
      partition: field === '_PARTITIONTIME' || field === 'export_time' ? field : undefined,
      changedAt: read?.type === 'TABLE' && !read.streamingBuffer ? read.lastModifiedTime : undefined,
    },
  ]
}

/** The fields that one row has once, nested ones as `service.description`. */
function leavesOf(fields: readonly TableField[], prefix = ''): string[] {
  return fields.flatMap(({ name = '', mode, fields: inner }) =>
    inner && mode !== 'REPEATED' ? leavesOf(inner, `${prefix}${name}.`) : [prefix + name],
  )
}
