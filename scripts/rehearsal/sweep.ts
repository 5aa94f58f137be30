import type { Account } from './account.ts'
import type { Ask } from './api.ts'
import { expectStatus, type createClient } from './client.ts'

interface Given {
  user: Ask
  client: ReturnType<typeof createClient>
  account: Account
  tableName: string
  sweepName: string
}

/** Checks that the sweep removes an upload that was abandoned two days ago. */
export async function sweepWhatWasLeft({
  user,
  client,
  account,
  tableName: TableName,
  sweepName,
}: Given): Promise<void> {
  const announced = await user<{ id: string; uploads: { urls: string[] }[] }>('POST', '/v1/imports', 201, {
    files: [{ name: 'left.csv', bytes: 4 }],
  })
  const url = announced.uploads[0]?.urls[0] ?? ''
  expectStatus(await client.send({ method: 'PUT', url, body: 'left' }), 200, 'upload')
  const orgId = /([^/]+)\/raw\//.exec(new URL(url).pathname)?.[1] ?? ''
  const at = { S: new Date(Date.now() - 48 * 3600 * 1000).toISOString() }
  await account.call('dynamodb', 'DynamoDB_20120810.UpdateItem', {
    TableName,
    Key: { pk: { S: `${orgId}#imports` }, sk: { S: announced.id } },
    UpdateExpression: 'SET #item.createdAt = :at',
    ExpressionAttributeNames: { '#item': 'item' },
    ExpressionAttributeValues: { ':at': at },
  })
  await account.invoke(sweepName, {})
  // The record goes after its bytes.
  await user('GET', `/v1/imports/${announced.id}`, 404)
}
