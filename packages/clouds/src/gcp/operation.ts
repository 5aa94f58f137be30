import type { Estate } from '@cloudoptima/sample'
import type { Version, Versions } from '../versions.ts'
import type { Changes, GcpResource } from './resource.ts'

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

/** An operation of Compute Engine or Cloud SQL. */
export interface Running {
  project: string
  /** `zones/us-central1-b`; of Cloud SQL empty. */
  scope: string
  name: string
  operationType: string
  targetId: string
  path: string
  requestId: string | undefined
  insertTime: Date
  endTime: Date
  /** Undefined after the end. */
  end: (() => Effect) | undefined
  error: Failure | undefined
}

/** Why an operation failed. */
export interface Failure {
  code: string
  message: string
}

/** What an operation does to resources. */
export interface Effect {
  changes?: readonly (readonly [GcpResource, Changes])[]
  created?: readonly GcpResource[]
  error?: Failure
}

/** One billing account, and the service accounts that may read and change its projects. */
export interface BillingAccount {
  estate: Estate
  versions: Versions
  summary(version: Version): Summary
  /** Of the company's bills, with their changes, and then those that calls have made. */
  resources: readonly GcpResource[]
  /** By the number of the resource, since the start. */
  changes: Map<string, Changes>
  created: GcpResource[]
  /** Of Compute Engine and Cloud SQL. */
  operations: Running[]
  serviceAccount: ServiceAccount
  /** The one for actions. */
  actingAccount: ServiceAccount
  /** Of BigQuery, by id. */
  jobs: Map<string, Job>
}

/** A request to a project. */
export interface Question {
  account: BillingAccount
  project: string
  /** By the service account and the scopes of the token. */
  canAct: boolean
  now: Date
  /** The parts of the path that have names in its pattern. */
  named: Record<string, string>
  query: URLSearchParams
  body: string
  /** By the name of Google: `compute.disks.delete`. */
  call: string
  /** The resources of a type that exist now in the project. */
  all(type: string): GcpResource[]
}

/** Changes a resource. */
export function changeOf({ changes }: BillingAccount, resource: GcpResource, change: Changes): void {
  changes.set(resource.number, { ...changes.get(resource.number), ...change })
  Object.assign(resource, change)
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
