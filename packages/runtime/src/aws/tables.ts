import { ConditionalCheckFailedException, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/lib-dynamodb'
import { Fault, tablesOf, type Page, type Table, type Tables } from '@cloudoptima/core'

type Row = NonNullable<QueryCommandOutput['Items']>[number]

const defaultLimit = 100

/** The client that tables and counters share. */
export function connectDynamodb(config: DynamoDBClientConfig): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient(config), { marshallOptions: { removeUndefinedValues: true } })
}

/**
 * All nouns in one DynamoDB table: `pk` = `{organization}#{noun}`, `sk` = the item's id, the item's fields as attributes. An item with a number `expiresAt`
 * (seconds since 1970) is removed some time after: it is the table's TTL attribute.
 */
export function createTables(client: DynamoDBDocumentClient, tableName: string): Tables {
  return tablesOf((noun) => createTable(client, tableName, noun))
}

function createTable<Item extends { id: string }>(
  client: DynamoDBDocumentClient,
  TableName: string,
  noun: string,
): Table<Item> {
  const pk = (orgId: string) => `${orgId}#${noun}`
  const toRow = (orgId: string, item: Item) => ({ ...item, pk: pk(orgId), sk: item.id })
  const toItem = ({ pk: _pk, sk: _sk, ...item }: Row) => item as Item

  async function* rows(orgId: string, page: Page): AsyncGenerator<Item> {
    let from: Row | undefined = page.from === undefined ? undefined : { pk: pk(orgId), sk: page.from }
    do {
      const found: QueryCommandOutput = await client.send(
        new QueryCommand({ TableName, ...query(pk(orgId), page), ExclusiveStartKey: from }),
      )
      for (const row of found.Items ?? []) yield toItem(row)
      from = found.LastEvaluatedKey
    } while (from)
  }

  async function write(orgId: string, item: Item, condition: Condition = {}) {
    try {
      await client.send(new PutCommand({ TableName, Item: toRow(orgId, item), ...condition }))
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException)
        throw new Fault('conflict', `${noun} ${item.id} was changed by someone else in the meantime.`)
      throw error
    }
  }

  return {
    async get(orgId, id) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: { pk: pk(orgId), sk: id }, ConsistentRead: true }),
      )
      return Item && toItem(Item)
    },
    async list(orgId, page = {}) {
      const limit = page.limit ?? defaultLimit
      const items: Item[] = []
      // One more than asked for tells whether there is a next page.
      for await (const item of rows(orgId, { ...page, limit: limit + 1 })) if (items.push(item) > limit) break
      const last = items.length > limit ? items[limit - 1] : undefined
      return { items: items.slice(0, limit), ...(last && { next: last.id }) }
    },
    all: async (orgId, prefix) => await Array.fromAsync(rows(orgId, prefix === undefined ? {} : { prefix })),
    insert: async (orgId, item) => await write(orgId, item, absent),
    put: async (orgId, item) => await write(orgId, item),
    replace: async (orgId, item, where) => await write(orgId, item, where ? unchanged(where) : absent),
    async remove(orgId, id) {
      await client.send(new DeleteCommand({ TableName, Key: { pk: pk(orgId), sk: id } }))
    },
  }
}

interface Condition {
  ConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Record<string, unknown>
}

const absent: Condition = { ConditionExpression: 'attribute_not_exists(pk)' }

/** The item exists, and every field has this value; `undefined` means that it has none. */
function unchanged(where: object): Condition {
  const fields: [string, unknown][] = Object.entries(where)
  const nested = fields.find(([, value]) => typeof value === 'object')
  // DynamoDB compares documents, the embedded one does not: a condition must not mean two things.
  if (nested) throw new Error(`A condition compares text, numbers and booleans; ${nested[0]} is neither`)
  const given = fields.filter(([, value]) => value !== undefined)
  const terms = fields.map(([, value], i) => (value === undefined ? `attribute_not_exists(#f${i})` : `#f${i} = :v${i}`))
  return {
    ConditionExpression: ['attribute_exists(pk)', ...terms].join(' AND '),
    ...(fields.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(fields.map(([name], i) => [`#f${i}`, name])),
    }),
    ...(given.length > 0 && {
      ExpressionAttributeValues: Object.fromEntries(
        fields.flatMap(([, value], i) => (value === undefined ? [] : [[`:v${i}`, value]])),
      ),
    }),
  }
}

function query(pk: string, { prefix = '', limit, descending = false }: Page) {
  return {
    KeyConditionExpression: prefix ? 'pk = :pk AND begins_with(sk, :prefix)' : 'pk = :pk',
    ExpressionAttributeValues: { ':pk': pk, ...(prefix && { ':prefix': prefix }) },
    ConsistentRead: true,
    ScanIndexForward: !descending,
    ...(limit !== undefined && { Limit: limit }),
  }
}
