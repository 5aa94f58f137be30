import type { Outgoing } from '../kernel/event.ts'

/** All tables. Each noun's module adds its own with `declare module './tables.ts'`. */
export interface Tables {}

/** Name, hash key and range key of each index; they are sparse, hold keys only and serve all nouns. */
export const tableIndexes = [
  ['status', 'status', 'sk'],
  ['due', 'due', 'dueAt'],
  ['outbox', 'outbox', 'outboxAt'],
] as const

/** Creates each noun's table on first use. */
export function tablesOf(make: (noun: string) => Table<{ id: string }>): Tables {
  const get = (made: Record<string, unknown>, noun: string | symbol) => (made[String(noun)] ??= make(String(noun)))
  return new Proxy<Record<string, unknown>>({}, { get }) as unknown as Tables
}

/** The nouns used so far. */
export function nounsOf(tables: Tables): (keyof Tables)[] {
  return Object.keys(tables) as (keyof Tables)[]
}

/** The table of a noun known only at run time. */
export function tableOf(tables: Tables, noun: string): Table<{ id: string }> {
  return tables[noun as keyof Tables]
}

type Events = readonly Outgoing[]
type Status = Omit<Page, 'prefix'>
interface Listed<Item> {
  items: Item[]
  next?: string
}

/**
 * Items of one noun, keyed by organization and id, at most 400 KB each. `status` and `dueAt` (ISO time) are indexed,
 * eventually consistent; after `expiresAt` (seconds since 1970) an item is deleted within days: readers compare.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** The item with its revision (optimistic lock). */
  read(orgId: string, id: string): Promise<{ item: Item; revision: number } | undefined>
  list(orgId: string, page?: Page): Promise<Listed<Item>>
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** Ids of items with this status, in order; reads keys only. */
  ids(orgId: string, status: string, page?: Status): Promise<{ ids: string[]; next?: string }>
  /** Items with this status, in order of id. A page may be shorter than its limit. */
  byStatus(orgId: string, status: string, page?: Status): Promise<Listed<Item>>
  count(orgId: string, status: string): Promise<number>
  /** Items of all organizations that are due at `until` (ISO time), the earliest first. */
  due(until: string, limit?: number): Promise<{ orgId: string; item: Item }[]>
  /** Throws Fault `conflict` if the id exists. */
  insert(orgId: string, item: Item, events?: Events): Promise<void>
  /** Unconditional write. */
  put(orgId: string, item: Item, events?: Events): Promise<void>
  /** Writes if the item has the values of `where`, or without `where` does not exist. Throws Fault `conflict`. */
  replace(orgId: string, item: Item, where: Where<Item> | undefined, events?: Events): Promise<void>
  /** Conditional write by revision. Throws Fault `conflict`. */
  rewrite(orgId: string, item: Item, revision: number, events?: Events): Promise<void>
  /** Reads, edits (undefined: leaves it) and rewrites, with retries. Throws Fault `not_found` or `unavailable`. */
  update(orgId: string, id: string, edit: Edit<Item, Item>, events?: Events): Promise<Updated<Item>>
  /** `update` of an item that may not exist. */
  upsert(
    orgId: string,
    id: string,
    edit: Edit<Item, Item | undefined>,
    events?: Events,
  ): Promise<Updated<Item | undefined>>
  /** Leaves a tombstone while events are pending. With `where` conditional as `replace`: throws Fault `conflict`. */
  remove(orgId: string, id: string, events?: Events, where?: Where<Item>): Promise<void>
  /** Removes handled events from the row. */
  acknowledge(orgId: string, id: string, eventIds: readonly string[]): Promise<void>
}

/** Expected values; `undefined`: the field is absent. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

export type Edit<Item, Found> = (found: Found) => Item | undefined | Promise<Item | undefined>

/** Both states; the same object if unchanged. */
export interface Updated<Found> {
  before: Found
  after: Found
}

export interface Page {
  prefix?: string
  limit?: number
  /** The `next` of the previous page or any id; exclusive. */
  from?: string
  descending?: boolean
}

/** All items of a list, one page in memory at a time. */
export async function* walk<Item>(
  list: (page: Status) => Promise<Listed<Item>>,
  page: Omit<Page, 'from'> = {},
): AsyncGenerator<Item> {
  let from: string | undefined
  do {
    const { items, next } = await list({ ...page, ...(from !== undefined && { from }) })
    yield* items
    from = next
  } while (from !== undefined)
}

/** The pending events and traces of all tables. */
export interface Outbox {
  /** Rows with events from `before` (ISO time) or earlier, of one or all organizations. */
  pending(before: string, orgId?: string): AsyncIterable<Pending>
}

/** A row with its pending events; empty if the index lags: `acknowledge` with no ids corrects it. */
export interface Pending {
  noun: string
  orgId: string
  id: string
  events: Outgoing[]
}

/** DynamoDB compares documents, the embedded server does not. */
export function checkWhere(where: object): void {
  const nested = Object.entries(where).find(([, value]) => typeof value === 'object')
  if (nested) throw new Error(`A condition compares text, numbers and booleans; ${nested[0]} has another type`)
}
