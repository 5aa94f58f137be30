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

/**
 * A set of items of one noun. The organization leads every key; an item is at most 400 KB (DynamoDB). An item with a number `expiresAt` (seconds since
 * 1970) is removed some time after that, up to days: who reads it compares.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** Items in order of id; `before` continues a page read in descending order, `after` one in ascending order. */
  list(orgId: string, page?: Page): Promise<{ items: Item[]; next?: string }>
  /** All items of the organization, however many pages that takes. */
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** Throws Fault `conflict` when the id exists. */
  insert(orgId: string, item: Item): Promise<void>
  /** Writes the item whether or not it exists. */
  put(orgId: string, item: Item): Promise<void>
  /** One conditional write: only where every named field still has this value (`undefined`: the item does not exist). Throws Fault `conflict` otherwise. */
  replace(orgId: string, item: Item, where: Where<Item> | undefined): Promise<void>
  remove(orgId: string, id: string): Promise<void>
}

/** Fields as they must be; `undefined`: the item has none of this name. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

export interface Page {
  prefix?: string
  limit?: number
  /** The `next` of the page before, or any other id: the page begins behind where it is, or would be. */
  from?: string
  descending?: boolean
}
