import { backoff } from './backoff.ts'
import type { Outgoing } from '../kernel/event.ts'
import { Fault, isFault } from '../kernel/fault.ts'

/**
 * All tables. A noun's module declares its own: `declare module './tables.ts' { interface Tables { budgets: Table<Info>
 * } }`.
 */
export interface Tables {}

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

/**
 * Items of one noun, keyed by organization and id, at most 400 KB each (DynamoDB). Special fields: `expiresAt` (seconds
 * since 1970): deleted some days later, so readers compare; `status`: index by status; `dueAt` (ISO time): index by due
 * time. Indexes are eventually consistent; items are read consistently. The write of an item stores its events in the
 * same row until `acknowledge`.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** The item with its revision (optimistic lock). */
  read(orgId: string, id: string): Promise<{ item: Item; revision: number } | undefined>
  list(orgId: string, page?: Page): Promise<{ items: Item[]; next?: string }>
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** Ids of items with this status, in order; reads keys only. */
  ids(orgId: string, status: string, page?: Omit<Page, 'prefix'>): Promise<{ ids: string[]; next?: string }>
  /** Items with this status, in order of id. A page may be shorter than its limit. */
  byStatus(orgId: string, status: string, page?: Omit<Page, 'prefix'>): Promise<{ items: Item[]; next?: string }>
  count(orgId: string, status: string): Promise<number>
  /** Items of all organizations that are due at `until` (ISO time), the earliest first. */
  due(until: string, limit?: number): Promise<{ orgId: string; item: Item }[]>
  /** Throws Fault `conflict` if the id exists. */
  insert(orgId: string, item: Item, events?: readonly Outgoing[]): Promise<void>
  /** Unconditional write. */
  put(orgId: string, item: Item, events?: readonly Outgoing[]): Promise<void>
  /**
   * Conditional write: each field in `where` must have its value; undefined `where`: the item must not exist. Throws
   * Fault `conflict`.
   */
  replace(orgId: string, item: Item, where: Where<Item> | undefined, events?: readonly Outgoing[]): Promise<void>
  /** Conditional write by revision. Throws Fault `conflict`. */
  rewrite(orgId: string, item: Item, revision: number, events?: readonly Outgoing[]): Promise<void>
  /**
   * Reads, changes and conditionally writes the item, with retries. `change` returns the new item, or undefined to
   * leave it. Throws Fault `not_found`, or `unavailable` after the last attempt.
   */
  update(orgId: string, id: string, change: Update<Item, Item>, events?: readonly Outgoing[]): Promise<Updated<Item>>
  /** `update` of an item that may not exist. */
  upsert(
    orgId: string,
    id: string,
    change: Update<Item, Item | undefined>,
    events?: readonly Outgoing[],
  ): Promise<Updated<Item | undefined>>
  /** Leaves a tombstone while events are pending. */
  remove(orgId: string, id: string, events?: readonly Outgoing[]): Promise<void>
  /** Removes handled events from the row. */
  acknowledge(orgId: string, id: string, eventIds: readonly string[]): Promise<void>
}

/** Expected values; `undefined`: the field is absent. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

export type Update<Item, Found> = (found: Found) => Item | undefined | Promise<Item | undefined>

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

const attempts = 15

type Loops<Item extends { id: string }> = Pick<Table<Item>, 'update' | 'upsert'>

/** The product's only compare-and-swap loops. */
export function loopsOf<Item extends { id: string }>(
  table: Pick<Table<Item>, 'read' | 'insert' | 'rewrite'>,
): Loops<Item> {
  const upsert: Loops<Item>['upsert'] = async (orgId, id, change, events = []) => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const found = await table.read(orgId, id)
      const next = await change(structuredClone(found?.item))
      if (next === undefined) return { before: found?.item, after: found?.item }
      try {
        await (found ? table.rewrite(orgId, next, found.revision, events) : table.insert(orgId, next, events))
        return { before: found?.item, after: next }
      } catch (error) {
        if (!isFault(error, 'conflict')) throw error
      }
      await backoff(attempt)
    }
    throw new Fault('unavailable', `Too many concurrent changes of ${id}. Try again in a moment.`)
  }
  return {
    upsert,
    update: async (orgId, id, change, events) =>
      (await upsert(orgId, id, async (found) => await change(found ?? missing(id)), events)) as Updated<Item>,
  }
}

function missing(id: string): never {
  throw new Fault('not_found', `There is no ${id}.`)
}

/** DynamoDB compares documents, the embedded server does not. */
export function checkWhere(where: object): void {
  const nested = Object.entries(where).find(([, value]) => typeof value === 'object')
  if (nested) throw new Error(`A condition compares text, numbers and booleans; ${nested[0]} has another type`)
}

type Run = (events: readonly Outgoing[]) => Promise<boolean>
/** Wraps a write; `run` returns whether it wrote. */
export type Around = (write: Omit<Pending, 'events'>, events: readonly Outgoing[], run: Run) => Promise<unknown>

/** Tables whose every write goes through `around`. */
export function aroundWrites(tables: Tables, around: Around): Tables {
  return tablesOf((noun) => {
    const table = tableOf(tables, noun)
    const write = async (
      orgId: string,
      id: string,
      events: readonly Outgoing[] = [],
      run: (e: readonly Outgoing[]) => Promise<unknown>,
    ) => void (await around({ noun, orgId, id }, events, async (all) => (await run(all)) !== false))
    const changed = async <Found>(
      orgId: string,
      id: string,
      events: readonly Outgoing[] = [],
      run: (e: readonly Outgoing[]) => Promise<Updated<Found>>,
    ): Promise<Updated<Found>> => {
      const answers: Updated<Found>[] = []
      await around({ noun, orgId, id }, events, async (all) => {
        const answer = await run(all)
        answers.push(answer)
        return answer.before !== answer.after
      })
      return answers[0] ?? missing(id)
    }
    const writes: Partial<typeof table> = {
      insert: async (orgId, item, events) =>
        await write(orgId, item.id, events, async (all) => await table.insert(orgId, item, all)),
      put: async (orgId, item, events) =>
        await write(orgId, item.id, events, async (all) => await table.put(orgId, item, all)),
      replace: async (orgId, item, where, events) =>
        await write(orgId, item.id, events, async (all) => await table.replace(orgId, item, where, all)),
      rewrite: async (orgId, item, revision, events) =>
        await write(orgId, item.id, events, async (all) => await table.rewrite(orgId, item, revision, all)),
      remove: async (orgId, id, events) =>
        await write(orgId, id, events, async (all) => await table.remove(orgId, id, all)),
      update: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.update(orgId, id, change, all)),
      upsert: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.upsert(orgId, id, change, all)),
    }
    // Delegates reads at call time, so a replaced verb takes effect.
    return Object.assign(Object.create(table) as typeof table, writes)
  })
}
