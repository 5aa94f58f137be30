import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Outbox } from '@cloudoptima/core'
import { pages, query, rowsOf } from './queries.ts'
import * as Rows from './rows.ts'

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
