import type { Outgoing } from '../kernel/event.ts'

/**
 * The table of each noun. A noun's module declares its own table: `declare module './tables.ts' { interface Tables { budgets: Table<Info> } }`.
 */
export interface Tables {}

/** Makes the table of a noun when the noun is first used. */
export function tablesOf(make: (noun: string) => Table<{ id: string }>): Tables {
  const get = (made: Record<string, unknown>, noun: string | symbol) => (made[String(noun)] ??= make(String(noun)))
  return new Proxy<Record<string, unknown>>({}, { get }) as unknown as Tables
}

/** The nouns that were used since the tables were made. */
export function nounsOf(tables: Tables): (keyof Tables)[] {
  return Object.keys(tables) as (keyof Tables)[]
}

/** The table of a noun whose name is known only at run time. */
export function tableOf(tables: Tables, noun: string): Table<{ id: string }> {
  return tables[noun as keyof Tables]
}

/**
 * A set of items of one noun. The organization leads every key; an item is at most 400 KB (DynamoDB). An item with a number `expiresAt` (seconds since
 * 1970) is removed some time after that, up to days: who reads it compares. An item with a text `status` stands in the index by status, an item with a
 * text `dueAt` (ISO time) in the index by due time. Indexes are eventually consistent; the items that they lead to are read consistently.
 *
 * A write carries events: they are stored in the same row by the same write, until `acknowledge`.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** The item with its revision, which every write changes. */
  read(orgId: string, id: string): Promise<{ item: Item; revision: number } | undefined>
  /** Items in order of id. */
  list(orgId: string, page?: Page): Promise<{ items: Item[]; next?: string }>
  /** All items of the organization, however many pages that takes. */
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** The ids of items with this status, in order. It reads keys only. */
  ids(orgId: string, status: string, page?: Omit<Page, 'prefix'>): Promise<{ ids: string[]; next?: string }>
  /** Items with this status, in order of id. A page may hold fewer items than its limit. */
  byStatus(orgId: string, status: string, page?: Omit<Page, 'prefix'>): Promise<{ items: Item[]; next?: string }>
  /** How many items have this status. */
  count(orgId: string, status: string): Promise<number>
  /** Items of all organizations that are due by then (ISO time), the earliest first. */
  due(until: string, limit?: number): Promise<{ orgId: string; item: Item }[]>
  /** Throws Fault `conflict` when the id exists. */
  insert(orgId: string, item: Item, events?: readonly Outgoing[]): Promise<void>
  /** Writes the item whether or not it exists. */
  put(orgId: string, item: Item, events?: readonly Outgoing[]): Promise<void>
  /** One conditional write: only where every named field still has this value (`undefined`: the item does not exist). Throws Fault `conflict` otherwise. */
  replace(orgId: string, item: Item, where: Where<Item> | undefined, events?: readonly Outgoing[]): Promise<void>
  /** One conditional write: only where the item still has this revision. Throws Fault `conflict` otherwise. */
  rewrite(orgId: string, item: Item, revision: number, events?: readonly Outgoing[]): Promise<void>
  /**
   * Reads, changes and writes the item, again with jittered backoff where another writer was faster. `change` answers the new item, or undefined to leave
   * the item as it is. Throws Fault `not_found` where there is none, Fault `unavailable` when every attempt was overtaken.
   */
  update(orgId: string, id: string, change: Update<Item, Item>, events?: readonly Outgoing[]): Promise<Updated<Item>>
  /** The same for an item that need not exist. */
  upsert(
    orgId: string,
    id: string,
    change: Update<Item, Item | undefined>,
    events?: readonly Outgoing[],
  ): Promise<Updated<Item | undefined>>
  /** Where events are pending, a tombstone stays until they are acknowledged. */
  remove(orgId: string, id: string, events?: readonly Outgoing[]): Promise<void>
  /** Takes events that were handled from the row. Of a row without them it changes nothing. */
  acknowledge(orgId: string, id: string, eventIds: readonly string[]): Promise<void>
}

/** Fields as they must be; `undefined`: the item has none of this name. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

export type Update<Item, Found> = (found: Found) => Item | undefined | Promise<Item | undefined>

/** Both states of an item; the same object where it was left as it is. */
export interface Updated<Found> {
  before: Found
  after: Found
}

export interface Page {
  prefix?: string
  limit?: number
  /** The `next` of the page before, or any other id: the page begins behind where it is, or would be. */
  from?: string
  descending?: boolean
}

type Listing<Item> = (page: Omit<Page, 'prefix'>) => Promise<{ items: Item[]; next?: string }>

/** All items of a list, page by page: no more than a page is held. */
export async function* walk<Item>(list: Listing<Item>, page: Omit<Page, 'from'> = {}): AsyncGenerator<Item> {
  let from: string | undefined
  do {
    const { items, next } = await list({ ...page, ...(from !== undefined && { from }) })
    yield* items
    from = next
  } while (from !== undefined)
}

/** What is pending in all tables. */
export interface Outbox {
  /** Rows whose oldest pending event is from `before` (ISO time) or earlier: of one organization, or of all. */
  pending(before: string, orgId?: string): AsyncIterable<Pending>
}

/** A row with its pending events. None are left where the index lags behind: `acknowledge` without events corrects the index. */
export interface Pending {
  noun: string
  orgId: string
  id: string
  events: Outgoing[]
}

/** Throws where a condition compares more than text, numbers and booleans: DynamoDB compares documents, the embedded one does not. */
export function checkWhere(where: object): void {
  const nested = Object.entries(where).find(([, value]) => typeof value === 'object')
  if (nested) throw new Error(`A condition compares text, numbers and booleans; ${nested[0]} is neither`)
}
