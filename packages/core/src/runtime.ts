import type { Event } from './event.ts'
import type * as Execution from './execution.ts'
import type * as Idempotency from './idempotency.ts'
import type * as Import from './import.ts'
import type { Lake } from './lake.ts'
import type * as Snapshot from './snapshot.ts'

/** Everything outside the process: what core may do to the world, and nothing else. */
export interface Runtime {
  tables: Tables
  blobs: Blobs
  bus: Bus
  workflows: Workflows
  /** The engine that reads and writes Parquet. Functions that carry no DuckDB answer any use of it with a fault. */
  lake: Lake
}

export interface Tables {
  imports: Table<Import.Info>
  heads: Table<Snapshot.Head>
  partitions: Table<Snapshot.Pointer>
  snapshots: Table<Snapshot.Info>
  /** What the embedded workflow interpreter remembers; Step Functions keeps its own. */
  executions: Table<Execution.Info>
  idempotency: Table<Idempotency.Info>
}

/** A set of items of one noun. The organisation leads every key; an item is at most 400 KB (DynamoDB). */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** Items in order of id; `before` continues a page read in descending order, `after` one in ascending order. */
  list(orgId: string, page?: Page): Promise<{ items: Item[]; next?: string }>
  /** All items of the organisation, however many pages that takes. */
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** Throws Fault `conflict` when the id exists. */
  insert(orgId: string, item: Item): Promise<void>
  /** Writes the item whether or not it exists. */
  put(orgId: string, item: Item): Promise<void>
  /** One conditional write: only where every named field still has this value (`undefined`: the item does not exist). Throws Fault `conflict` otherwise. */
  replace(orgId: string, item: Item, where: Partial<Item> | undefined): Promise<void>
  remove(orgId: string, id: string): Promise<void>
}

export interface Page {
  prefix?: string
  limit?: number
  /** The `next` of the page before. */
  from?: string
  descending?: boolean
}

/** Objects of an organisation; the key given here is what follows the organisation's prefix. */
export interface Blobs {
  put(orgId: string, key: string, body: Uint8Array, contentType?: string): Promise<void>
  /** Uploads a file of any size, in parts. */
  putFile(orgId: string, key: string, path: string): Promise<void>
  /** Throws Fault `not_found`. */
  get(orgId: string, key: string): Promise<Uint8Array>
  stream(orgId: string, key: string): Promise<AsyncIterable<Uint8Array>>
  /** Keys and sizes below a prefix, in order of key. */
  list(orgId: string, prefix: string): Promise<{ key: string; bytes: number }[]>
  remove(orgId: string, key: string): Promise<void>
  /** A URL that accepts one PUT of the object. */
  uploadUrl(orgId: string, key: string, expiresSeconds: number): Promise<string>
}

export interface Bus {
  /** At least once; subscribers are idempotent by `event.id`. */
  publish(event: Event): Promise<void>
}

export interface Workflows {
  /** Starts an execution; a second start of the same name changes nothing. */
  start(workflow: 'pipeline', name: string, input: unknown): Promise<void>
}
