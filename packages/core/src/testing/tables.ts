import { randomInt } from 'node:crypto'
import type { Outgoing } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import {
  checkWhere,
  type Outbox,
  type Page,
  type Conditions,
  type Table,
  type Tables,
  tablesOf,
} from '../effects/tables.ts'
import { loopsOf } from '../effects/loops.ts'

interface Row {
  noun: string
  orgId: string
  id: string
  revision: number
  /** Absent in a tombstone. */
  item?: unknown
  events: Map<string, Outgoing>
}

/** Rows by organization and noun. */
type Rows = Map<string, Map<string, Row>>

/** In-memory tables and outbox with the contract of DynamoDB's. */
export function memoryTables(): { tables: Tables; outbox: Outbox } {
  const rows: Rows = new Map()
  const outbox: Outbox = {
    async *pending(before, orgId) {
      const all = [...rows.values()].flatMap((each) => [...each.values()])
      for (const { noun, events, ...row } of all) {
        const [oldest, ...more] = [...events.values()].toSorted((a, b) => (a.at < b.at ? -1 : 1))
        if (!oldest || oldest.at > before || (orgId !== undefined && row.orgId !== orgId)) continue
        yield { noun, orgId: row.orgId, id: row.id, events: plain([oldest, ...more]) }
      }
    },
  }
  return { tables: tablesOf((noun) => memoryTable(rows, noun)), outbox }
}

function memoryTable<Item extends { id: string }>(rows: Rows, noun: string): Table<Item> {
  const of = (orgId: string): Map<string, Row> => {
    const key = `${orgId}#${noun}`
    const known = rows.get(key) ?? new Map<string, Row>()
    rows.set(key, known)
    return known
  }
  const itemsOf = (orgId: string): Item[] =>
    [...of(orgId).values()].flatMap(({ item }) => (item === undefined ? [] : [item as Item]))
  const sorted = (orgId: string, isWanted: (item: Item) => boolean): Item[] =>
    itemsOf(orgId)
      .filter(isWanted)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const write = (
    orgId: string,
    id: string,
    item: Item | undefined,
    isMet: (row: Row | undefined) => boolean,
    events: readonly Outgoing[] = [],
  ) => {
    const row = of(orgId).get(id)
    if (!isMet(row)) throw new Fault('conflict', `${id} was changed concurrently.`)
    const pending = new Map([...(row?.events ?? []), ...events.map((event) => [event.id, plain(event)] as const)])
    const written: Row = { noun, orgId, id, revision: (row?.revision ?? randomInt(2 ** 40)) + 1, events: pending }
    of(orgId).set(id, item === undefined ? written : { ...written, item: plain(item) })
    if (item === undefined && pending.size === 0) of(orgId).delete(id)
  }
  const isAbsent = (row: Row | undefined): boolean => row?.item === undefined
  const table: Omit<Table<Item>, 'update' | 'upsert'> = {
    get: async (orgId, id) => (await table.read(orgId, id))?.item,
    async read(orgId, id) {
      const row = of(orgId).get(id)
      return row?.item === undefined ? undefined : { item: plain(row.item as Item), revision: row.revision }
    },
    list: async (orgId, page = {}) =>
      pageOf(
        sorted(orgId, ({ id }) => id.startsWith(page.prefix ?? '')),
        page,
      ),
    async select(orgId, { prefix = '', descending = false, skip = 0, limit = Infinity, ...conditions } = {}) {
      const isMet = meets(conditions)
      const found = sorted(orgId, (item) => item.id.startsWith(prefix) && isMet(item))
      const ordered = descending ? found.toReversed() : found
      return { items: plain(ordered.slice(skip, skip + limit)), total: found.length }
    },
    all: async (orgId, prefix = '') => plain(sorted(orgId, ({ id }) => id.startsWith(prefix))),
    async ids(orgId, status, page = {}) {
      const { items, next } = await table.byStatus(orgId, status, page)
      return { ids: items.map(({ id }) => id), ...(next !== undefined && { next }) }
    },
    byStatus: async (orgId, status, page = {}) =>
      pageOf(
        sorted(orgId, (item) => fieldOf(item, 'status') === status),
        page,
      ),
    count: async (orgId, status) => sorted(orgId, (item) => fieldOf(item, 'status') === status).length,
    async due(until, limit = 100) {
      const all = [...rows.values()].flatMap((each) => [...each.values()])
      const due = all.flatMap((row) => {
        const dueAt = row.noun === noun && row.item !== undefined ? fieldOf(row.item, 'dueAt') : undefined
        return dueAt && dueAt <= until ? [{ dueAt, orgId: row.orgId, item: row.item as Item }] : []
      })
      const earliest = due.toSorted((a, b) => (a.dueAt < b.dueAt ? -1 : 1)).slice(0, limit)
      return earliest.map(({ orgId, item }) => ({ orgId, item: plain(item) }))
    },
    insert: async (orgId, item, events) => write(orgId, item.id, item, isAbsent, events),
    put: async (orgId, item, events) => write(orgId, item.id, item, () => true, events),
    replace: async (orgId, item, where, events) =>
      write(orgId, item.id, item, where ? hasValues(where) : isAbsent, events),
    rewrite: async (orgId, item, revision, events) =>
      write(orgId, item.id, item, (row) => row?.item !== undefined && row.revision === revision, events),
    remove: async (orgId, id, events, where) =>
      write(orgId, id, undefined, where ? hasValues(where) : () => true, events),
    async acknowledge(orgId, id, eventIds) {
      const row = of(orgId).get(id)
      for (const eventId of eventIds) row?.events.delete(eventId)
      if (row?.item === undefined && row?.events.size === 0) of(orgId).delete(id)
    },
  }
  return { ...table, ...loopsOf(table) }
}

function meets({ where = {}, unless = {}, atLeast = {}, atMost = {} }: Conditions<object>): (item: object) => boolean {
  for (const values of [where, unless, atLeast, atMost]) checkWhere(values)
  const every = (values: object, holds: (field: string, value: string) => boolean) => (item: object) =>
    Object.entries(values).every(([name, value]) => holds(fieldOf(item, name) as string, value as string))
  const terms = [
    every(where, (field, value) => field === value),
    every(unless, (field, value) => field !== value),
    every(atLeast, (field, value) => field >= value),
    every(atMost, (field, value) => field <= value),
  ]
  return (item) => terms.every((term) => term(item))
}

function hasValues(where: object): (row: Row | undefined) => boolean {
  checkWhere(where)
  return (row) =>
    row?.item !== undefined && Object.entries(where).every(([name, value]) => fieldOf(row.item, name) === value)
}

function fieldOf(item: unknown, name: string): string | undefined {
  return (item as Record<string, string | undefined>)[name]
}

/** A JSON copy, as a real table returns it. */
function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}

function pageOf<Item extends { id: string }>(
  items: Item[],
  { limit = 100, from, descending = false }: Page,
): { items: Item[]; next?: string } {
  const ordered = descending ? items.toReversed() : items
  const rest = from === undefined ? ordered : ordered.filter(({ id }) => (descending ? id < from : id > from))
  const page = plain(rest.slice(0, limit))
  const last = page.at(-1)
  return last && rest.length > limit ? { items: page, next: last.id } : { items: page }
}
