import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  type DescribeTableCommandOutput,
  DynamoDBClient,
  paginateScan,
  ResourceInUseException,
  waitUntilTableExists,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb'
import { Fault, tableIndexes } from '@cloudoptima/core'
import type { Connection } from '@cloudoptima/runtime'
import dynalite from 'dynalite'
import { guard, listen, type Service } from './guard.ts'

/** Is called at each write whose request has this text, from any process; its result is called after the answer. */
export interface Listener {
  text: string
  write(): () => void
}

/** LevelDB hands its log to the system before it acknowledges a write. */
export async function startDynamodb(path: string, secret: string, listener?: Listener): Promise<Service> {
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  const [handle] = server.listeners('request') as RequestListener[]
  if (!handle) throw new Error('dynalite does not listen for requests')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (listener) tell(listener, request, response)
    handle(request, response)
    // dynalite would throw if a client disconnects during a request.
    request.removeAllListeners('error').on('error', () => response.destroy())
  })
  guard(server, secret)
  return await listen(server)
}

function tell({ text, write }: Listener, request: IncomingMessage, response: ServerResponse) {
  if (!/\.(Put|Update|Delete|Batch|Transact)(?!GetItem)/.test(String(request.headers['x-amz-target']))) return
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  // Before dynalite, which carries out the write at this event too.
  request.on('end', () => {
    if (Buffer.concat(chunks).includes(text)) response.once('close', write())
  })
}

export async function createTable(
  connection: Connection & { endpoint: string },
  TableName: string,
  dataDir: string,
): Promise<void> {
  const client = new DynamoDBClient(connection)
  const keys = (HASH: string, RANGE: string) => [
    { AttributeName: HASH, KeyType: 'HASH' as const },
    { AttributeName: RANGE, KeyType: 'RANGE' as const },
  ]
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...new Set(['pk', 'sk', ...tableIndexes.flatMap(([, ...names]) => names)])].map(
          (AttributeName) => ({ AttributeName, AttributeType: 'S' }),
        ),
        KeySchema: keys('pk', 'sk'),
        GlobalSecondaryIndexes: tableIndexes.map(([IndexName, hash, range]) => ({
          IndexName,
          KeySchema: keys(hash, range),
          Projection: { ProjectionType: 'KEYS_ONLY' },
        })),
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  const { reason } = await waitUntilTableExists(
    { client, maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.1 },
    { TableName },
  )
  client.destroy()
  if ((reason as DescribeTableCommandOutput).Table?.GlobalSecondaryIndexes?.length !== tableIndexes.length)
    throw new Fault(
      'invalid',
      `The data folder ${dataDir} was written by an earlier version. Choose another folder with --data and import ` +
        'the bills again.',
    )
}

const itemsPerBatch = 25

/**
 * After a kill, before anything else writes. dynalite writes the entries of an item in its indexes before the item, one
 * by one: a kill between them leaves an item that no index has. Writing an item again adds what is missing.
 */
export async function repairIndexes(connection: Connection & { endpoint: string }, TableName: string): Promise<void> {
  const client = new DynamoDBClient(connection)
  const hashes = tableIndexes.map(([, hash]) => hash)
  const indexed = {
    FilterExpression: hashes.map((_, n) => `attribute_exists(#h${n})`).join(' OR '),
    ExpressionAttributeNames: Object.fromEntries(hashes.map((hash, n) => [`#h${n}`, hash])),
  }
  try {
    for await (const { Items = [] } of paginateScan({ client }, { TableName, ...indexed }))
      for (let from = 0; from < Items.length; from += itemsPerBatch) {
        const RequestItems = {
          [TableName]: Items.slice(from, from + itemsPerBatch).map((Item) => ({ PutRequest: { Item } })),
        }
        await client.send(new BatchWriteItemCommand({ RequestItems }))
      }
  } finally {
    client.destroy()
  }
}

// Like TTL, the comparison ignores values that are not numbers.
const isExpired = 'expiresAt < :now AND attribute_not_exists(pending)'

/** dynalite has no TTL; returns the number of deleted items. */
export async function sweepExpired(
  connection: Connection & { endpoint: string },
  TableName: string,
  now: Date,
): Promise<number> {
  const client = new DynamoDBClient(connection)
  const expired = { ExpressionAttributeValues: { ':now': { N: String(Math.floor(now.getTime() / 1000)) } } }
  let removed = 0
  try {
    for await (const page of paginateScan(
      { client },
      { TableName, ProjectionExpression: 'pk, sk', FilterExpression: isExpired, ...expired },
    )) {
      for (const { pk, sk } of page.Items ?? [])
        if (pk && sk && (await removeExpired(client, TableName, { pk, sk }, expired))) removed++
    }
  } finally {
    client.destroy()
  }
  return removed
}

/** False if the expiry was extended meanwhile. */
async function removeExpired(
  client: DynamoDBClient,
  TableName: string,
  Key: Record<string, AttributeValue>,
  expired: object,
) {
  try {
    await client.send(new DeleteItemCommand({ TableName, Key, ConditionExpression: isExpired, ...expired }))
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
