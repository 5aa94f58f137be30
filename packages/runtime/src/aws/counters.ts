import { UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Counters } from '@cloudoptima/core'

/** Counters in the table of all nouns: `pk` = `{orgId}#counters`, `sk` = the key. */
export function createCounters(client: DynamoDBDocumentClient, TableName: string): Counters {
  return {
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
