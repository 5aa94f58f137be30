import type { Estate } from '@cloudoptima/sample'
import type { Version, Versions } from '../versions.ts'
import type { GcpResource } from './resource.ts'

/** The key file of a service account. */
export interface ServiceAccount {
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  token_uri: string
}

/** A column of a table or of an answer. */
export interface Field {
  name: string
  type: string
  mode?: 'REPEATED'
}

/** The answer to a query. */
export interface Answer {
  fields: readonly Field[]
  rows: readonly unknown[][]
}

/** A month of a table: rows and sums. */
export interface Summary {
  rows: number
  billed: bigint
  effective: bigint
  /** The start of the first charge. */
  begins: string
}

/** A query, at the place where it ran. */
export interface Job extends Answer {
  location: string
}

/** One billing account, and the service account that may read its projects. */
export interface BillingAccount {
  estate: Estate
  versions: Versions
  summary(version: Version): Summary
  resources: readonly GcpResource[]
  /** By the number of the resource, since the start. */
  relabelled: Map<string, Record<string, string>>
  serviceAccount: ServiceAccount
  /** Of BigQuery, by id. */
  jobs: Map<string, Job>
}

/** A request to a project. */
export interface Question {
  account: BillingAccount
  project: string
  /** By the scopes of the token. */
  canAct: boolean
  now: Date
  /** The parts of the path that have names in its pattern. */
  named: Record<string, string>
  query: URLSearchParams
  body: string
  /** The resources of a type that exist now in the project. */
  all(type: string): GcpResource[]
}

export type Operation = (question: Question) => object

/** By the name of the call: its path, such as `/v3/projects/{project}`, and its answer. */
export type Operations = Record<string, [path: string, operation: Operation]>

const pageSize = 10

/** A page of a list; its token is a position. */
export function pageOf<Item>({ query }: Question, all: readonly Item[], size = pageSize) {
  const end = Number(query.get('pageToken') ?? 0) + size
  return { items: all.slice(end - size, end), next: end < all.length ? String(end) : undefined }
}

/** A list under the name of its field. */
export function list(field: string, items: (question: Question) => unknown[]): Operation {
  return (question) => {
    const page = pageOf(question, items(question))
    return { [field]: page.items, nextPageToken: page.next }
  }
}
