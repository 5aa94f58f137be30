import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { QueueMessage, type Wiring } from '@cloudoptima/core'
import type { Connection } from '@cloudoptima/runtime'
import type { FauxqsServer } from 'fauxqs'

export type QueueRows = Wiring['queues']

/** SQS's maximum. */
const keptSeconds = '1209600'

export function queueUrl(endpoint: string, name: string): string {
  return `${endpoint}/000000000000/${name}`
}

/**
 * Makes the messages of an earlier process visible; their receive counts stay, so one that kills the process ends as a
 * dead letter.
 */
export function releaseInFlight(folder: string): void {
  const path = join(folder, 'fauxqs.db')
  if (!existsSync(path)) return
  const database = new DatabaseSync(path)
  try {
    database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL')
  } finally {
    database.close()
  }
}

export async function createQueues(
  server: FauxqsServer,
  connection: Connection & { endpoint: string },
  rows: QueueRows,
): Promise<void> {
  for (const [name, { visibilitySeconds, receives }] of Object.entries(rows)) {
    const dead = QueueMessage.deadQueueOf(name)
    if (!server.inspectQueue(dead))
      server.createQueue(dead, { attributes: { MessageRetentionPeriod: keptSeconds, VisibilityTimeout: '30' } })
    const deadLetterTargetArn = server.inspectQueue(dead)?.arn
    const attributes = {
      VisibilityTimeout: String(visibilitySeconds),
      MessageRetentionPeriod: keptSeconds,
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: receives }),
    }
    const existing = server.inspectQueue(name)?.attributes
    // `createQueue` would replace a queue and its messages.
    if (!existing) server.createQueue(name, { attributes })
    else if (Object.entries(attributes).some(([key, value]) => existing[key] !== value))
      await setAttributes(connection, name, attributes)
  }
}

async function setAttributes(
  connection: Connection & { endpoint: string },
  name: string,
  Attributes: Record<string, string>,
) {
  const { SetQueueAttributesCommand, SQSClient } = await import('@aws-sdk/client-sqs')
  const client = new SQSClient(connection)
  await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl(connection.endpoint, name), Attributes }))
  client.destroy()
}
