import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import type { BigQuery, common, JobMetadata } from '@google-cloud/bigquery'
import { Money } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import { type Caller, Refusal } from './calls.ts'

/** https://cloud.google.com/bigquery/pricing#on_demand_pricing */
const usdPerTiB = '6.25'

/** A value of BigQuery: numbers are text, times are ISO. */
export type Value = string | null | Value[] | { [field: string]: Value }
export type Row = Record<string, Value>

interface Field {
  name: string
  type: string
  mode?: string
  fields?: Field[]
}

interface Answer {
  jobComplete: boolean
  schema?: { fields: Field[] }
  rows?: Cells[]
  pageToken?: string
  totalRows?: string
}

interface Job {
  status?: { errors?: { reason?: string }[] }
}

interface Cells {
  f: { v: unknown }[]
}

interface Options {
  /** Of the dataset; Google needs it to find a job outside of the US and the EU. */
  location: string | undefined
  parameters: Record<string, string>
  mostBytes: number
}

/** The rows of a query, page by page, with every digit. Bytes and price go to the meter. */
export async function* query(
  { access, bigQuery }: Caller,
  sql: string,
  { location, parameters, mostBytes }: Options,
): AsyncGenerator<Row[]> {
  const at = location === undefined ? {} : { location }
  const jobId = randomUUID()
  const queryParameters = Object.entries(parameters).map(([name, value]) => ({
    name,
    parameterType: { type: 'STRING' },
    parameterValue: { value },
  }))
  const configuration = {
    query: {
      query: sql,
      useLegacySql: false,
      maximumBytesBilled: String(mostBytes),
      ...(queryParameters.length > 0 && { parameterMode: 'NAMED', queryParameters }),
    },
  }
  await bigQuery('bigquery.jobs.insert', async (client) => {
    const json = { jobReference: { projectId: client.projectId, jobId, ...at }, configuration }
    // Not createQueryJob, whose rejection for an unexpected answer nobody can handle.
    const { status } = await ask<Job>(client, { method: 'POST', uri: '/jobs', json })
    if (!status || status.errors) throw Object.assign(new Error('a job failed'), { errors: status?.errors })
  }).catch((error: unknown) => {
    // A repeated call finds the job that the first one started.
    if (!(error instanceof Refusal && error.reason === '409')) throw error
  })
  const next = async (pageToken?: string): Promise<Answer> => {
    const qs = { ...at, pageToken, timeoutMs: 30_000, 'formatOptions.useInt64Timestamp': true }
    // Not getQueryResults, which turns numbers into doubles.
    return await bigQuery('bigquery.jobs.getQueryResults', (client) =>
      ask<Answer>(client, { uri: `/queries/${jobId}`, qs }),
    )
  }
  let answer = await next()
  while (!answer.jobComplete) answer = await next()
  const [job] = await bigQuery('bigquery.jobs.get', (client) => client.job(jobId, at).getMetadata())
  await count(access.meter, job as JobMetadata)
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

async function ask<Answered>(client: BigQuery, request: common.DecorateRequestOptions): Promise<Answered> {
  return (await promisify(client.request.bind(client))(request)) as Answered
}

async function count(meter: Caller['access']['meter'], { statistics }: JobMetadata) {
  const bytes = Number(statistics?.query?.totalBytesBilled ?? 0)
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
