import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { QueueMessage, type Wiring } from '@cloudoptima/core'
import type { Connection } from '@cloudoptima/runtime'
import type { FauxqsServer } from 'fauxqs'

export type QueueRows = Wiring['queues']

/** As long as SQS keeps a message at most. */
const keptSeconds = '1209600'

/** The URL of a queue of the embedded SQS. */
export function queueUrl(endpoint: string, name: string): string {
  return `${endpoint}/000000000000/${name}`
}

/**
 * Makes every message visible again whose receiver ended with an earlier process, instead of waiting for its visibility timeout. Call it before the server starts.
 * The number of receives stays, so a message that kills the process becomes a dead letter in the end.
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

/** Creates the queues of the table and their queues of dead letters; one that exists takes on what has changed in its row. */
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
    // The server's own creation would replace a queue with its messages.
    if (!existing) server.createQueue(name, { attributes })
    else if (Object.entries(attributes).some(([key, value]) => existing[key] !== value))
      await setAttributes(connection, name, attributes)
  }
}

async function setAttributes(
  connection: Connection & { endpoint: string },
  name: string,
  Attributes: Record<string, string>,
): Promise<void> {
  const { SetQueueAttributesCommand, SQSClient } = await import('@aws-sdk/client-sqs')
  const client = new SQSClient(connection)
  await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl(connection.endpoint, name), Attributes }))
  client.destroy()
}
