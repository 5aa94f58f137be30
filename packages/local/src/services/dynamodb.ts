import type { RequestListener } from 'node:http'
import { CreateTableCommand, DynamoDBClient, ResourceInUseException, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import type { Connection } from '@cloudoptima/runtime'
import dynalite from 'dynalite'
import { listen, type Service } from './service.ts'

/** DynamoDB with its tables in a folder. A write that was answered survives a kill: LevelDB hands its log to the system before it answers. */
export async function startDynamodb(path: string): Promise<Service> {
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  const [handle] = server.listeners('request') as RequestListener[]
  if (!handle) throw new Error('dynalite does not listen for requests')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    // It would let any web page in; a browser names the page here.
    if (request.headers.origin !== undefined) return void response.writeHead(403).end()
    handle(request, response)
    // It throws, and so ends this process, when a client goes away in the middle of its request. Then there is nobody to answer.
    request.removeAllListeners('error').on('error', () => response.destroy())
  })
  return await listen(server)
}

/** Creates the product's one table unless it is there. The same keys as in the stack. */
export async function createTable(connection: Connection & { endpoint: string }, TableName: string): Promise<void> {
  const client = new DynamoDBClient(connection)
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.1 }, { TableName })
  client.destroy()
}
