import { GetCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Counters } from '@cloudoptima/core'

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
