import { randomUUID } from 'node:crypto'
import type { Account } from './account.ts'
import type { Ask } from './api.ts'
import { outboxesOf } from '../../packages/runtime/src/aws/rows.ts'
import { expectStatus, type createClient } from './client.ts'

interface Given {
  user: Ask
  client: ReturnType<typeof createClient>
  account: Account
  tableName: string
  sweepName: string
}

/** Checks that the sweep removes an upload and completes an audit entry that were abandoned two days ago. */
export async function sweepWhatWasLeft({
  user,
  client,
  account,
  tableName: TableName,
  sweepName,
}: Given): Promise<void> {
  const write = async (action: 'PutItem' | 'UpdateItem', body: object) =>
    await account.call('dynamodb', `DynamoDB_20120810.${action}`, { TableName, ...body })
  const announced = await user<{ id: string; uploads: { urls: string[] }[] }>('POST', '/v1/imports', 201, {
    files: [{ name: 'left.csv', bytes: 4 }],
  })
  const url = announced.uploads[0]?.urls[0] ?? ''
  expectStatus(await client.send({ method: 'PUT', url, body: 'left' }), 200, 'upload')
  const orgId = /([^/]+)\/uploads\//.exec(new URL(url).pathname)?.[1] ?? ''
  const at = { S: new Date(Date.now() - 48 * 3600 * 1000).toISOString() }
  const pk = (noun: string) => ({ S: `${orgId}#${noun}` })
  await write('UpdateItem', {
    Key: { pk: pk('imports'), sk: { S: announced.id } },
    UpdateExpression: 'SET #item.createdAt = :at',
    ExpressionAttributeNames: { '#item': 'item' },
    ExpressionAttributeValues: { ':at': at },
  })
  const id = `int_${randomUUID()}`
  const draft = {
    M: {
      action: { S: 'things.rename' },
      result: { S: 'unknown' },
      actorKind: { S: 'user' },
      actorId: { S: 'usr_1' },
      requestId: { S: 'req_1' },
    },
  }
  const trace = { M: { id: { S: id }, name: { S: 'change.begun' }, orgId: { S: orgId }, at, data: draft } }
  const outbox = { outbox: { S: outboxesOf(orgId)[0] }, outboxAt: at, pending: { SS: [id] }, [`e#${id}`]: trace }
  const item = { M: { id: { S: 'thing_1' } } }
  await write('PutItem', { Item: { pk: pk('things'), sk: item.M.id, rev: { N: '1' }, item, ...outbox } })

  await account.invoke(sweepName, {})
  // The record goes after its bytes.
  await user('GET', `/v1/imports/${announced.id}`, 404)
  const { entries } = await user<{ entries: { result: string }[] }>('GET', '/v1/audit?action=things.rename', 200)
  if (entries.map(({ result }) => result).join() !== 'unknown')
    throw new Error(`The abandoned action has no entry of its own: ${JSON.stringify(entries)}`)
}
