import type { Outgoing } from '../kernel/event.ts'

/** Each noun's module adds its own with `declare module './tables.ts'`. */
export interface Tables {}

/** Name, hash key, range key; the indexes are sparse, hold keys only and serve all nouns. */
export const tableIndexes = [
  ['status', 'status', 'sk'],
  ['due', 'due', 'dueAt'],
  ['outbox', 'outbox', 'outboxAt'],
] as const

export function tablesOf(make: (noun: string) => Table<{ id: string }>): Tables {
  const get = (made: Record<string, unknown>, noun: string | symbol) => (made[String(noun)] ??= make(String(noun)))
  return new Proxy<Record<string, unknown>>({}, { get }) as unknown as Tables
}

export function nounsOf(tables: Tables): (keyof Tables)[] {
  return Object.keys(tables) as (keyof Tables)[]
}

/** Of a noun known only at run time. */
export function tableOf(tables: Tables, noun: string): Table<{ id: string }> {
  return tables[noun as keyof Tables]
}

type Events = readonly Outgoing[]
type Status = Omit<Page, 'prefix'>
interface Listed<Item> {
  items: Item[]
  next?: string | undefined
}

/**
 * Items of one noun, keyed by organization and id, at most 400 KB each. `status` and `dueAt` (ISO time) are indexed,
 * eventually consistent; after `expiresAt` (seconds since 1970) an item is deleted within days: readers compare.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  read(orgId: string, id: string): Promise<{ item: Item; revision: number } | undefined>
  list(orgId: string, page?: Page): Promise<Listed<Item>>
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** The items of a page, and how many items match. Of the others it reads keys only. */
  select(orgId: string, selection?: Selection<Item>): Promise<{ items: Item[]; total: number }>
  /** Reads keys only. */
  ids(orgId: string, status: string, page?: Status): Promise<{ ids: string[]; next?: string | undefined }>
  /** A page may be shorter than its limit. */
  byStatus(orgId: string, status: string, page?: Status): Promise<Listed<Item>>
  count(orgId: string, status: string): Promise<number>
  /** Of all organizations, the earliest first; `until` is an ISO time. */
  due(until: string, limit?: number): Promise<{ orgId: string; item: Item }[]>
  /** Throws Fault `conflict` if the id exists. */
  insert(orgId: string, item: Item, events?: Events): Promise<void>
  /** Unconditional. */
  put(orgId: string, item: Item, events?: Events): Promise<void>
  /** If the item has the values of `where`, or without `where` does not exist. Throws Fault `conflict`. */
  replace(orgId: string, item: Item, where: Where<Item> | undefined, events?: Events): Promise<void>
  /** Throws Fault `conflict` for another revision. */
  rewrite(orgId: string, item: Item, revision: number, events?: Events): Promise<void>
  /** Read, edit (undefined: no write), rewrite, with retries. Throws Fault `not_found` or `unavailable`. */
  update(orgId: string, id: string, edit: Edit<Item, Item>, events?: Events): Promise<Updated<Item>>
  /** `update` of an item that may not exist. */
  upsert(
    orgId: string,
    id: string,
    edit: Edit<Item, Item | undefined>,
    events?: Events,
  ): Promise<Updated<Item | undefined>>
  /** Leaves a tombstone while events are pending. Throws Fault `conflict` unless `where` holds. */
  remove(orgId: string, id: string, events?: Events, where?: Where<Item>): Promise<void>
  /** Removes handled events. */
  acknowledge(orgId: string, id: string, eventIds: readonly string[]): Promise<void>
}

/** `undefined`: the field is absent. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

/** All must hold. */
export interface Conditions<Item> {
  where?: Where<Item>
  /** None of these values. */
  unless?: Where<Item>
  /** Inclusive bounds. An item without the field is not within them. */
  atLeast?: Where<Item>
  atMost?: Where<Item>
}

export interface Selection<Item> extends Conditions<Item> {
  prefix?: string
  descending?: boolean
  skip?: number
  limit?: number
}

export type Edit<Item, Found> = (found: Found) => Item | undefined | Promise<Item | undefined>

/** The same object if unchanged. */
export interface Updated<Found> {
  before: Found
  after: Found
}

export interface Page {
  prefix?: string
  limit?: number
  /** Exclusive. */
  from?: string | undefined
  descending?: boolean
}

/** One page in memory at a time. */
export async function* walk<Item>(
  list: (page: Status) => Promise<Listed<Item>>,
  page: Omit<Page, 'from'> = {},
): AsyncGenerator<Item> {
  let from: string | undefined
  do {
    const { items, next } = await list({ ...page, from })
    yield* items
    from = next
  } while (from !== undefined)
}

export interface Outbox {
  /** With events from `before` (ISO time) or earlier, of one or all organizations. */
  pending(before: string, orgId?: string): AsyncIterable<Pending>
}

/** Empty if the index lags: `acknowledge` without ids corrects it. */
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
