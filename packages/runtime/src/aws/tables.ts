import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import {
  Fault,
  tablesOf,
  loopsOf,
  type Outgoing,
  type Page,
  type Table,
  type Tables,
  type Outbox,
  type Counters,
} from '@cloudoptima/core'
import { pages, query, rowsOf } from './queries.ts'
import * as Rows from './rows.ts'

const defaultLimit = 100

export function connectDynamodb(config: DynamoDBClientConfig): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient(config), { marshallOptions: { removeUndefinedValues: true } })
}

export function createTables(client: DynamoDBDocumentClient, tableName: string): Tables {
  return tablesOf((noun) => createTable(client, tableName, noun))
}

function createTable<Item extends { id: string }>(
  client: DynamoDBDocumentClient,
  TableName: string,
  noun: string,
): Table<Item> {
  const pk = (orgId: string) => Rows.pkOf(orgId, noun)
  const itemsOf = (rows: Rows.Row[]) => rows.flatMap(({ item }) => (item === undefined ? [] : [item as Item]))

  const withStatus = (orgId: string, status: string) => {
    const keys = query({ status: Rows.statusOf(orgId, noun, status) }, '#status = :status', 'status')
    return { TableName, IndexName: 'status', ...keys }
  }

  async function* items(orgId: string, { prefix = '', limit, from, descending = false }: Page): AsyncGenerator<Item> {
    const hash = { pk: pk(orgId) }
    const keys = prefix ? query({ ...hash, prefix }, 'pk = :pk AND begins_with(sk, :prefix)') : query(hash, 'pk = :pk')
    const input = { TableName, ...keys, ConsistentRead: true, ScanIndexForward: !descending, Limit: limit }
    for await (const rows of pages(client, input, from === undefined ? from : { ...hash, sk: from }))
      yield* itemsOf(rows)
  }

  async function write(
    orgId: string,
    id: string,
    item: Item | undefined,
    condition: Rows.Condition,
    events: readonly Outgoing[] = [],
  ) {
    const at = new Rows.Expression()
    const ConditionExpression = Rows.conditionOf(at, condition)
    const UpdateExpression = Rows.writeOf(at, { orgId, noun }, item, events)
    const input = { TableName, Key: { pk: pk(orgId), sk: id }, UpdateExpression, ...at.attributes }
    const written = client.send(new UpdateCommand({ ...input, ConditionExpression }))
    if (!(await Rows.holds(written)))
      throw new Fault('conflict', `${noun} ${id} was changed by someone else in the meantime.`)
  }

  async function acknowledge(orgId: string, id: string, eventIds: readonly string[], isLast: boolean) {
    const at = new Rows.Expression()
    const expressions = Rows.acknowledgementOf(at, eventIds, isLast)
    const input = { TableName, Key: { pk: pk(orgId), sk: id }, ...expressions, ...at.attributes }
    return await Rows.holds(client.send(new UpdateCommand(input)))
  }

  const table: Omit<Table<Item>, 'update' | 'upsert'> = {
    get: async (orgId, id) => (await table.read(orgId, id))?.item,
    async read(orgId, id) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: { pk: pk(orgId), sk: id }, ConsistentRead: true }),
      )
      return Item?.['item'] === undefined ? undefined : { item: Item['item'] as Item, revision: Number(Item['rev']) }
    },
    async list(orgId, page = {}) {
      const limit = page.limit ?? defaultLimit
      const found: Item[] = []
      // One more than asked for tells whether there is a next page.
      for await (const item of items(orgId, { ...page, limit: limit + 1 })) if (found.push(item) > limit) break
      const next = found.length > limit ? found[limit - 1]?.id : undefined
      return { items: found.slice(0, limit), next }
    },
    all: async (orgId, prefix) => await Array.fromAsync(items(orgId, prefix === undefined ? {} : { prefix })),
    async select(orgId, { prefix, descending = false, skip = 0, limit = Infinity, ...conditions } = {}) {
      const at = new Rows.Expression()
      const hash = `pk = ${at.value(pk(orgId))}`
      const input = {
        TableName,
        KeyConditionExpression: prefix ? `${hash} AND begins_with(sk, ${at.value(prefix)})` : hash,
        FilterExpression: Rows.filterOf(at, conditions),
        ...at.attributes,
        ConsistentRead: true,
        ScanIndexForward: !descending,
      }
      const keys: Rows.Key[] = []
      let total = 0
      let ExclusiveStartKey: Record<string, unknown> | undefined
      do {
        // Behind the page it only counts.
        const projection =
          keys.length < skip + limit ? { ProjectionExpression: 'pk, sk' } : { Select: 'COUNT' as const }
        const {
          Items = [],
          Count = 0,
          LastEvaluatedKey,
        } = await client.send(new QueryCommand({ ...input, ...projection, ExclusiveStartKey }))
        keys.push(...(Items as unknown as Rows.Key[]))
        total += Count
        ExclusiveStartKey = LastEvaluatedKey
      } while (ExclusiveStartKey)
      return { items: itemsOf(await rowsOf(client, TableName, keys.slice(skip, skip + limit))), total }
    },
    async ids(orgId, status, { limit = defaultLimit, from, descending = false } = {}) {
      const input = { ...withStatus(orgId, status), ScanIndexForward: !descending, Limit: limit + 1 }
      const start = { status: Rows.statusOf(orgId, noun, status), pk: pk(orgId) }
      const found: string[] = []
      for await (const rows of pages(client, input, from === undefined ? from : { ...start, sk: from })) {
        found.push(...rows.map(({ sk }) => sk as string))
        if (found.length > limit) break
      }
      const next = found.length > limit ? found[limit - 1] : undefined
      return { ids: found.slice(0, limit), next }
    },
    async byStatus(orgId, status, page) {
      const { ids, next } = await table.ids(orgId, status, page)
      const keys = ids.map((sk) => ({ pk: pk(orgId), sk }))
      const found = itemsOf(await rowsOf(client, TableName, keys)).filter(
        (item) => (item as { status?: unknown }).status === status,
      )
      return { items: found, next }
    },
    async count(orgId, status) {
      const found = paginateQuery({ client }, { ...withStatus(orgId, status), Select: 'COUNT' })
      let count = 0
      for await (const { Count = 0 } of found) count += Count
      return count
    },
    async due(until, limit = defaultLimit) {
      const index = { IndexName: 'due', ...query({ due: noun, dueAt: until }, 'due = :due AND dueAt <= :dueAt') }
      const orgIdOf = (row: Rows.Row) => Rows.ownerOf(row as Rows.Key).orgId
      const found: { orgId: string; item: Item }[] = []
      let ExclusiveStartKey: Record<string, unknown> | undefined
      do {
        const page = { TableName, ...index, Limit: limit, ...(ExclusiveStartKey && { ExclusiveStartKey }) }
        const { Items = [], LastEvaluatedKey } = await client.send(new QueryCommand(page))
        const rows = await rowsOf(client, TableName, Items as unknown as Rows.Key[])
        const all = rows.flatMap((row) => itemsOf([row]).map((item) => ({ orgId: orgIdOf(row), item })))
        // The index may still show an item that was moved just now.
        found.push(...all.filter(({ item }) => ((item as { dueAt?: string }).dueAt ?? '~') <= until))
        ExclusiveStartKey = LastEvaluatedKey
      } while (ExclusiveStartKey && found.length < limit)
      return found.slice(0, limit)
    },
    insert: (orgId, item, events) => write(orgId, item.id, item, 'absent', events),
    put: (orgId, item, events) => write(orgId, item.id, item, undefined, events),
    replace: (orgId, item, where, events) => write(orgId, item.id, item, where ? { where } : 'absent', events),
    rewrite: (orgId, item, revision, events) => write(orgId, item.id, item, { revision }, events),
    async remove(orgId, id, events = [], where) {
      const Key = { pk: pk(orgId), sk: id }
      const at = new Rows.Expression()
      const condition = where && { where }
      const terms = ['attribute_not_exists(pending)', Rows.conditionOf(at, condition)].filter(Boolean)
      const input = { TableName, Key, ConditionExpression: terms.join(' AND '), ...at.attributes }
      if (events.length === 0 && (await Rows.holds(client.send(new DeleteCommand(input))))) return
      await write(orgId, id, undefined, condition, events)
    },
    async acknowledge(orgId, id, eventIds) {
      if (await acknowledge(orgId, id, eventIds, true)) return
      // Other events are pending too; who takes the last one takes the row out of the index.
      if (eventIds.length > 0 && (await acknowledge(orgId, id, eventIds, false))) await acknowledge(orgId, id, [], true)
    },
  }
  return { ...table, ...loopsOf(table) }
}

export function createOutbox(client: DynamoDBDocumentClient, TableName: string): Outbox {
  return {
    async *pending(before, orgId) {
      for (const outbox of Rows.outboxesOf(orgId)) {
        const index = {
          IndexName: 'outbox',
          ...query({ outbox, outboxAt: before }, 'outbox = :outbox AND outboxAt <= :outboxAt'),
        }
        for await (const keys of pages(client, { TableName, ...index })) {
          const wanted = (keys as unknown as Rows.Key[]).filter(
            (key) => orgId === undefined || Rows.ownerOf(key).orgId === orgId,
          )
          for (const row of await rowsOf(client, TableName, wanted))
            yield { ...Rows.ownerOf(row as Rows.Key), id: row['sk'] as string, events: Rows.eventsOf(row) }
        }
      }
    },
  }
}

/** Counters in the table of all nouns: `pk` = `{orgId}#counters`, `sk` = the key. */
export function createCounters(client: DynamoDBDocumentClient, TableName: string): Counters {
  return {
    async get(orgId, key) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: { pk: `${orgId}#counters`, sk: key }, ConsistentRead: true }),
      )
      return Number(Item?.['sum'] ?? 0)
    },
    async add(orgId, key, amount, expiresAt) {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: { pk: `${orgId}#counters`, sk: key },
          UpdateExpression: 'ADD #sum :amount SET expiresAt = :expiresAt',
          ExpressionAttributeNames: { '#sum': 'sum' },
          ExpressionAttributeValues: { ':amount': amount, ':expiresAt': Math.ceil(expiresAt.getTime() / 1000) },
          ReturnValues: 'UPDATED_NEW',
        }),
      )
      return Number(Attributes?.['sum'])
    },
  }
}
