import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'
import { expectStatus, type createClient } from './client.ts'

interface Import {
  id: string
  status: string
  reason?: string
  part_bytes: number
  uploads: { name: string; urls: string[] }[]
}

interface Execution {
  status: string
  error?: string
  cause?: string
}

interface Courier {
  user: Ask
  client: ReturnType<typeof createClient>
  account: Account
  billsMachineArn: string
}

/** Delivers bills: creates an import, uploads, starts it and waits for its end. */
export function createCourier({ user, client, account, billsMachineArn }: Courier) {
  /** Waits for the execution of an import, which goes on after its record says `committed`. It has to succeed. */
  const expectSuccess = async (importId: string): Promise<void> => {
    const executionArn = `${billsMachineArn.replace(':stateMachine:', ':execution:')}:${importId}`
    const ended = await poll(
      async () => await account.call<Execution>('states', 'AWSStepFunctions.DescribeExecution', { executionArn }),
      ({ status }) => status !== 'RUNNING',
    )
    if (ended.status !== 'SUCCEEDED')
      throw new Error(`The execution of ${importId} did not succeed: ${JSON.stringify(ended)}`)
  }

  const open = new Set(['uploading', 'running'])
  const ended = async (importId: string, wanted: string): Promise<Import> => {
    const found = await poll(
      async () => await user<Import>('GET', `/v1/imports/${importId}`, 200),
      ({ status }) => !open.has(status),
    )
    await expectSuccess(importId)
    if (found.status !== wanted)
      throw new Error(`The import ended ${found.status} instead of ${wanted}: ${JSON.stringify(found)}`)
    return found
  }

  const deliver = async (name: string, bytes: Buffer, wanted: string): Promise<Import> => {
    const announced = await user<Import>('POST', '/v1/imports', 201, { files: [{ name, bytes: bytes.length }] })
    for (const [part, url] of announced.uploads.flatMap(({ urls }) => urls).entries()) {
      const body = bytes.subarray(part * announced.part_bytes, (part + 1) * announced.part_bytes)
      expectStatus(await client.send({ method: 'PUT', url, body }), 200, `upload of part ${part + 1}`)
    }
    await user('POST', `/v1/imports/${announced.id}/start`, 202)
    return await ended(announced.id, wanted)
  }
  return { deliver, ended }
}
