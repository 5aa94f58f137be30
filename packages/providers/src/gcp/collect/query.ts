import { randomUUID } from 'node:crypto'
import { Money } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import type { Caller, Page } from './calls.ts'

/** https://cloud.google.com/bigquery/pricing#on_demand_pricing */
const usdPerTiB = '6.25'
const leastBytes = 10 * 1024 ** 2

/** A value of BigQuery: numbers are text, times are ISO. */
export type Value = string | null | Value[] | { [field: string]: Value }
export type Row = Record<string, Value>

interface Field {
  name: string
  type: string
  mode?: string
  fields?: Field[]
}

interface Answer extends Page {
  jobComplete: boolean
  jobReference: { jobId: string; location?: string }
  schema?: { fields: Field[] }
  rows?: Cells[]
  pageToken?: string
  totalRows?: string
  totalBytesProcessed?: string
  totalBytesBilled?: string
}

interface Cells {
  f: { v: unknown }[]
}

/** The rows of a query, page by page, with every digit. Bytes and price go to the meter. */
export async function* query(
  { access, call }: Caller,
  sql: string,
  { parameters = {}, mostBytes }: { parameters?: Record<string, string>; mostBytes: number },
): AsyncGenerator<Row[]> {
  const path = `/bigquery/v2/projects/${access.credentials.projectId}/queries`
  const of = { service: 'bigquery', api: 'bigquery.jobs.query' }
  let answer = await call<Answer>({
    ...of,
    path,
    body: {
      query: sql,
      useLegacySql: false,
      parameterMode: 'NAMED',
      queryParameters: Object.entries(parameters).map(([name, value]) => ({
        name,
        parameterType: { type: 'STRING' },
        parameterValue: { value },
      })),
      maximumBytesBilled: String(mostBytes),
      // A repeated request returns the same job.
      requestId: randomUUID(),
      formatOptions: { useInt64Timestamp: true },
    },
  })
  const { jobId, location } = answer.jobReference
  const next = async (pageToken?: string): Promise<Answer> =>
    await call<Answer>({
      service: 'bigquery',
      api: 'bigquery.jobs.getQueryResults',
      path: `${path}/${encodeURIComponent(jobId)}`,
      query: { location, pageToken, timeoutMs: '30000', 'formatOptions.useInt64Timestamp': 'true' },
    })
  while (!answer.jobComplete) answer = await next()
  await count(access.meter, answer)
  const { schema, totalRows } = answer
  const fields = schema?.fields ?? []
  let rows = 0
  for (;;) {
    yield (answer.rows ?? []).map((row) => record(fields, row))
    rows += answer.rows?.length ?? 0
    if (!answer.pageToken) break
    answer = await next(answer.pageToken)
  }
  if (String(rows) !== totalRows) throw unavailable('Google Cloud', `BigQuery answered ${rows} of ${totalRows} rows`)
}

async function count(meter: Caller['access']['meter'], { totalBytesBilled, totalBytesProcessed }: Answer) {
  const processed = Number(totalBytesProcessed ?? 0)
  const bytes = Number(totalBytesBilled ?? (processed === 0 ? 0 : Math.max(processed, leastBytes)))
  const price = Money.parse(usdPerTiB)
    .times(bytes)
    .div(1024 ** 4)
  await meter.take({ api: 'bigquery.bytesBilled', bytes, price: Money.plain(price) })
}

function record(fields: readonly Field[], { f }: Cells): Row {
  return Object.fromEntries(fields.map((field, index) => [field.name, valueOf(field, f[index]?.v)]))
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query#response-body */
function valueOf(field: Field, value: unknown): Value {
  if (field.mode === 'REPEATED')
    return ((value ?? []) as { v: unknown }[]).map(({ v }) => valueOf({ ...field, mode: 'NULLABLE' }, v))
  if (value === null || value === undefined) return null
  if (field.fields) return record(field.fields, value as Cells)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return field.type === 'TIMESTAMP' ? timeOf(text) : text
}

/** Microseconds since 1970, as ISO. */
function timeOf(micros: string): string {
  const time = BigInt(micros)
  const fraction = ((time % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((time - fraction) / 1000n)).toISOString().slice(0, 19)
  return fraction === 0n ? `${seconds}Z` : `${seconds}.${String(fraction).padStart(6, '0')}Z`
}
