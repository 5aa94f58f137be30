import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb'
import type { Key, Row } from './rows.ts'

export function query(values: Record<string, string>, KeyConditionExpression: string, reserved?: string) {
  return {
    KeyConditionExpression,
    ...(reserved !== undefined && { ExpressionAttributeNames: { [`#${reserved}`]: reserved } }),
    ExpressionAttributeValues: Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
  }
}

export async function* pages(
  client: DynamoDBDocumentClient,
  input: QueryCommandInput,
  from?: Record<string, string>,
): AsyncGenerator<Row[]> {
  for await (const { Items = [] } of paginateQuery({ client, startingToken: from }, input)) yield Items
}

/** Consistently, in the order of the keys, without rows that are gone. */
export async function rowsOf(client: DynamoDBDocumentClient, TableName: string, keys: readonly Key[]): Promise<Row[]> {
  const found = new Map<string, Row>()
  for (let at = 0; at < keys.length; at += 100) {
    let wanted: Record<string, unknown>[] = keys.slice(at, at + 100).map(({ pk, sk }) => ({ pk, sk }))
    while (wanted.length > 0) {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetCommand({ RequestItems: { [TableName]: { Keys: wanted, ConsistentRead: true } } }),
      )
      for (const row of Responses?.[TableName] ?? []) found.set(`${row['pk']} ${row['sk']}`, row)
      wanted = UnprocessedKeys?.[TableName]?.Keys ?? []
    }
  }
  return keys.flatMap(({ pk, sk }) => found.get(`${pk} ${sk}`) ?? [])
}
