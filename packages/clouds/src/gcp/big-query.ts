import { Refusal } from '../answers.ts'
import {
  type BillingAccount,
  list,
  type Job,
  type Operation,
  type Operations,
  pageOf,
  type Question,
} from './operation.ts'
import { answerTo, fieldsOf } from './query.ts'

const dataset = 'billing'
const pageSize = 500
const mostJobs = 20
/** The least that a query is billed: https://cloud.google.com/bigquery/pricing */
const leastBytes = 10 * 1024 ** 2
const bytesOfValue = 16

/** The table with the bills of the account; the other projects have none. */
const tableOf = ({ estate }: BillingAccount): string => `focus_${estate.account.replaceAll('-', '_')}`
const isHome = ({ account, project }: Question): boolean => project === account.estate.subAccounts[0]?.id
const locationOf = ({ estate }: BillingAccount): string => estate.regions[0] ?? ''

function open(question: Question): BillingAccount {
  const { account, named } = question
  const { dataset: asked = dataset, table = tableOf(account) } = named
  if (!isHome(question) || asked !== dataset || table !== tableOf(account)) throw new Refusal('notFound', 404)
  return account
}

interface Asked {
  jobReference: { jobId: string; location?: string }
  configuration: {
    query: { query: string; queryParameters?: { name: string; parameterValue: { value: string } }[] }
  }
}

const insert: Operation = (question) => {
  const { jobReference, configuration }: Asked = JSON.parse(question.body)
  const { query, queryParameters = [] } = configuration.query
  const [, project = '', asked = '', table = ''] = /FROM `([^`.]+)\.([^`.]+)\.([^`.]+)`/.exec(query) ?? []
  const account = open({ ...question, project, named: { dataset: asked, table } })
  const { jobs, estate, versions, summary } = account
  if (jobs.has(jobReference.jobId)) throw new Refusal('duplicate', 409)
  if (jobReference.location !== locationOf(account)) throw new Refusal('notFound', 404)
  const parameters = Object.fromEntries(queryParameters.map(({ name, parameterValue }) => [name, parameterValue.value]))
  const answer = answerTo(query, parameters, { account: estate.account, versions, summary })
  const [oldest] = jobs.keys()
  if (oldest !== undefined && jobs.size >= mostJobs) jobs.delete(oldest)
  jobs.set(jobReference.jobId, { ...answer, location: locationOf(account) })
  return { jobReference, configuration, status: { state: 'RUNNING' } }
}

function jobOf({ account, named, query }: Question): Job {
  const job = account.jobs.get(named['job'] ?? '')
  if (job?.location !== query.get('location')) throw new Refusal('notFound', 404)
  return job
}

/** Of BigQuery. */
export const bigQuery: Operations = {
  'bigquery.datasets.list': [
    '/bigquery/v2/projects/{project}/datasets',
    list('datasets', (question) =>
      isHome(question) ? [{ datasetReference: { datasetId: dataset }, location: locationOf(question.account) }] : [],
    ),
  ],
  'bigquery.tables.list': [
    '/bigquery/v2/projects/{project}/datasets/{dataset}/tables',
    list('tables', (question) => [{ tableReference: { tableId: tableOf(open(question)) }, type: 'TABLE' }]),
  ],
  'bigquery.tables.get': [
    '/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}',
    (question) => {
      const { versions } = open(question)
      const lastModifiedTime = String(versions.modified().getTime())
      return { type: 'TABLE', lastModifiedTime, schema: { fields: fieldsOf(versions) } }
    },
  ],
  'bigquery.jobs.insert': ['/bigquery/v2/projects/{project}/jobs', insert],
  'bigquery.jobs.get': [
    '/bigquery/v2/projects/{project}/jobs/{job}',
    (question) => {
      const { rows, fields } = jobOf(question)
      const bytes = String(Math.max(leastBytes, rows.length * fields.length * bytesOfValue))
      const query = { totalBytesProcessed: bytes, totalBytesBilled: bytes }
      return { status: { state: 'DONE' }, statistics: { query } }
    },
  ],
  'bigquery.jobs.getQueryResults': [
    '/bigquery/v2/projects/{project}/queries/{job}',
    (question) => {
      const { rows, fields } = jobOf(question)
      const { items, next } = pageOf(question, rows, pageSize)
      return {
        jobComplete: true,
        schema: { fields },
        totalRows: String(rows.length),
        rows: items.map((row) => ({ f: row.map((v) => ({ v })) })),
        pageToken: next,
      }
    },
  ],
}
