import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import type { Answer } from '../server.ts'
import type { Sum } from '../sums.ts'
import type { Version, Versions } from '../versions.ts'
import type { Export } from './export.ts'
import type { AzureResource } from './resource.ts'

/** A subscription, and the application that it trusts the product with. */
export interface AzureSubscription {
  tenantId: string
  subscriptionId: string
  clientId: string
  clientSecret: string
}

/** The simulated Azure of one tenant. */
export interface Azure {
  estate: Estate
  now(): Date
  subscriptions: readonly AzureSubscription[]
  resources: readonly AzureResource[]
  /** By id, since the start. */
  retagged: Map<string, Record<string, string>>
  documents: Documents
  versions: Versions
  /** By day. */
  sums(version: Version): Map<string, Sum[]>
  /** By the id of its subscription. */
  exports: ReadonlyMap<string, Export>
}

/** A resource as the resource manager describes it. */
export interface Document {
  id: string
  name: string
  /** As its path spells it. */
  type: string
  location: string
  tags: Record<string, string> | null
  zones?: string[]
  kind?: string
  sku?: { name: string; tier?: string; capacity?: number }
  etag?: string
  managedBy?: string
  properties: Record<string, unknown>
}

/** The resources of the tenant as they are now. */
export interface Documents {
  /** Undefined: there is none. */
  find(question: Question, id: string): Document | undefined
  /** Those of a type in lower case, the deleted ones left out. */
  all(question: Question, type: string): Document[]
  keep(document: Document): void
  remove(id: string): void
  /** Whether the resource is not as the estate says any more. */
  isKept(id: string): boolean
  isBusy(id: string): boolean
  /** The id of an operation on a resource, which ends later by calling `end`. */
  begin(id: string, end: () => void): string
  /** Undefined: there is no such operation. */
  status(operation: string): 'InProgress' | 'Succeeded' | undefined
}

/** A request with a token of an application. */
export interface Question {
  azure: Azure
  subscription: AzureSubscription
  request: ReceivedRequest
  /** The variable parts of the path. */
  named: Record<string, string>
  /** The resources of a type in lower case that exist now in the subscription. */
  all(type: string): AzureResource[]
}

/** Answers with JSON, or with an `Answer` in which `body` or `file` is whole. */
export type Operation = (question: Question) => Answer | Promise<Answer>

/** By the name of the call: its path, and its answer. */
export type Operations = Record<string, [path: string, operation: Operation]>

/** One page of a list, and the position of the next one. */
export function page<Item>(all: readonly Item[], from: string | null | undefined, size: number) {
  const start = Number(from ?? 0)
  const end = start + size
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined }
}

/** The URL of the next page of a request. */
export function nextLink({ headers, path, query }: ReceivedRequest, next: string | undefined): string | null {
  if (next === undefined) return null
  const version = query.get('api-version') ?? ''
  return `https://${headers.host}${path}?api-version=${version}&$skiptoken=${next}`
}
