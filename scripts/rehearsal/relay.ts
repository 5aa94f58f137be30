import { traceName } from '@cloudoptima/core'
import type { Account } from './account.ts'
import { poll } from './api.ts'

interface Given {
  account: Account
  tableName: string
  relayName: string
}

type Attributes = Record<string, object>

const orgId = 'org_relay'

/** Checks that the sweep publishes an event and completes a trace that a process left ten minutes ago. */
export async function relayWhatWasLeft({ account, tableName: TableName, relayName }: Given): Promise<void> {
  const dynamodb = async <Answer>(action: string, body: object): Promise<Answer> =>
    await account.call<Answer>('dynamodb', `DynamoDB_20120810.${action}`, { TableName, ...body })
  const rowsOf = async (noun: string): Promise<Attributes[]> => {
    const query = {
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: `${orgId}#${noun}` } },
    }
    return (await dynamodb<{ Items: Attributes[] }>('Query', query)).Items
  }
  const at = new Date(Date.now() - 10 * 60_000).toISOString()
  const outgoing = (id: string, name: string, data: object) => ({
    [`e#${id}`]: { M: { ...strings({ id, name, orgId, at }), data: { M: data } } },
  })
  const draft = { action: 'things.rename', result: 'unknown', actorKind: 'user', actorId: 'usr_1', requestId: 'req_1' }
  const row = {
    ...strings({ pk: `${orgId}#demoMarks`, sk: 'left', outbox: 'outbox#0', outboxAt: at }),
    rev: { N: '1' },
    item: { M: strings({ id: 'left' }) },
    pending: { SS: ['evt_left', 'trc_left'] },
    ...outgoing('evt_left', 'demo.arrived', strings({ parcelId: 'left' })),
    ...outgoing('trc_left', traceName, strings(draft)),
  }
  await dynamodb('PutItem', { Item: row })

  await account.invoke(relayName, {})
  await poll(
    async () => await rowsOf('demoMarks'),
    (marks) =>
      marks.some(({ sk }) => JSON.stringify(sk).includes('arrived/evt_left')) &&
      marks.every((mark) => !('outbox' in mark) && Object.keys(mark).every((name) => !name.startsWith('e#'))),
  )
  const entries = JSON.stringify(await rowsOf('audit'))
  if (entries.split('trc_left').length !== 2) throw new Error(`The trace has not exactly one audit entry: ${entries}`)
}

function strings(given: Record<string, string>): Attributes {
  return Object.fromEntries(Object.entries(given).map(([name, S]) => [name, { S }]))
}
