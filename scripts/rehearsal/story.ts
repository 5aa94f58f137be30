import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createClient, type Answer } from './client.ts'
import { credentials, region, type Emulator } from './emulator.ts'

/** Billed cost in the FOCUS sample, to the last digit: the sums of its own column. One charge of Oracle is on the bill of October. */
const expected = { AWS: '18.0066386184', Microsoft: '1.97651418586', Oracle: '0.53707392473' }

interface Play {
  emulator: Emulator
  apiUrl: string
  pipelineArn: string
  bill: Buffer
  step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result>
}

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

interface Reconciliation {
  reconciled: boolean
  lines: { provider: string; our_total_exact: string; bill_total_exact: string; our_rows: number }[]
}

/** What a customer does with the deployed product, from the first bill to the answer. */
export async function rehearse({ emulator, apiUrl, pipelineArn, bill, step }: Play): Promise<void> {
  const client = createClient(emulator)
  const ask = async <Body>(method: 'GET' | 'POST', path: string, wanted: number, body?: unknown): Promise<Body> => {
    const call = { method, url: apiUrl + path, headers: { 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) }
    return JSON.parse(expectStatus(await client.send(call), wanted, `${method} ${path}`)) as Body
  }

  /** Asks until `isEnd`, for a minute at most. */
  const poll = async <Body>(question: () => Promise<Body>, isEnd: (answer: Body) => boolean): Promise<Body> => {
    const deadline = Date.now() + 60_000
    for (;;) {
      const answer = await question()
      if (isEnd(answer)) return answer
      if (Date.now() > deadline) throw new Error(`no end within a minute: ${JSON.stringify(answer)}`)
      await sleep(250)
    }
  }

  /** The execution of an import: it goes on after its record says `committed`, to announce or to clean up, and must succeed. */
  const expectSuccess = async (importId: string): Promise<void> => {
    const executionArn = `${pipelineArn.replace(':stateMachine:', ':execution:')}:${importId}`
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AWSStepFunctions.DescribeExecution' }
    const call = { method: 'POST', url: `https://127.0.0.1:${emulator.port}/`, headers, body: JSON.stringify({ executionArn }) } as const
    const ended = await poll(
      async () => JSON.parse(expectStatus(await client.sendSigned(call, { ...credentials, region, service: 'states' }), 200, 'DescribeExecution')) as Execution,
      ({ status }) => status !== 'RUNNING',
    )
    if (ended.status !== 'SUCCEEDED') throw new Error(`the execution of ${importId} ended so: ${JSON.stringify(ended)}`)
  }

  /** Announce, upload, start, wait: answers how it ended. */
  const deliver = async (name: string, bytes: Buffer): Promise<Import> => {
    const announced = await ask<Import>('POST', '/v1/imports', 201, { files: [{ name, bytes: bytes.length }] })
    for (const [part, url] of announced.uploads.flatMap(({ urls }) => urls).entries()) {
      const body = bytes.subarray(part * announced.part_bytes, (part + 1) * announced.part_bytes)
      expectStatus(await client.send({ method: 'PUT', url, body }), 200, `upload of part ${part + 1}`)
    }
    await ask('POST', `/v1/imports/${announced.id}/start`, 202)
    const open = new Set(['uploading', 'running'])
    const found = await poll(
      async () => await ask<Import>('GET', `/v1/imports/${announced.id}`, 200),
      ({ status }) => !open.has(status),
    )
    await expectSuccess(announced.id)
    return found
  }

  await step('GET /v1/health answers', async () => await ask('GET', '/v1/health', 200))
  await step('GET /v1/docs answers the reference, and each file that it refers to is there', async () => {
    const read = async (path: string): Promise<string> => expectStatus(await client.send({ method: 'GET', url: apiUrl + path }), 200, `GET ${path}`)
    const files = [...(await read('/v1/docs')).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file)
    if (!files.some((file) => file.includes('swagger-ui-bundle.js'))) throw new Error(`the reference refers to ${files.join(', ') || 'nothing'}`)
    for (const file of files) await read(file)
  })
  await step('the FOCUS sample: announced, uploaded by pre-signed URL, started, committed by the pipeline', async () =>
    expectImport(await deliver('focus_sample.csv', bill), 'committed'),
  )
  await step('GET /v1/costs/reconciliation of both billing periods: AWS, Microsoft and Oracle to the last digit', async () => {
    const answers = await Promise.all(
      ['2024-09', '2024-10'].map(async (period) => await ask<Reconciliation>('GET', `/v1/costs/reconciliation?period=${period}`, 200)),
    )
    if (!answers.every(({ reconciled }) => reconciled)) throw new Error(`not reconciled: ${JSON.stringify(answers)}`)
    const lines = answers.flatMap((answer) => answer.lines)
    const byProvider = Map.groupBy(lines, ({ provider }) => provider)
    expectEqual(Object.fromEntries([...byProvider].map(([provider, found]) => [provider, sum(found.map((line) => line.our_total_exact))])), expected, 'ours')
    expectEqual(Object.fromEntries([...byProvider].map(([provider, found]) => [provider, sum(found.map((line) => line.bill_total_exact))])), expected, 'bill')
    expectEqual(
      lines.reduce((rows, line) => rows + line.our_rows, 0),
      1000,
      'rows',
    )
  })
  await step('GET /v1/costs/overview: all charges of September to the last digit', async () => {
    const query = 'start_date=2024-09-01&end_date=2024-09-30&metric=billed&granularity=monthly'
    const { total_cost_exact: total } = await ask<{ total_cost_exact: string }>('GET', `/v1/costs/overview?${query}`, 200)
    expectEqual(total, sum(Object.values(expected)), 'total')
  })
  await step('the same bytes again: unchanged', async () => expectImport(await deliver('again.csv', bill), 'unchanged'))
  await step('half a bill: refused, with the reason', async () => {
    const { reason } = expectImport(await deliver('half.csv', bill.subarray(0, bill.length / 2)), 'refused')
    if (!reason) throw new Error('refused without a reason')
  })
}

function expectStatus({ status, body }: Answer, wanted: number, what: string): string {
  if (status !== wanted) throw new Error(`${what}: ${status} instead of ${wanted}: ${body.slice(0, 2000)}`)
  return body
}

function expectImport(found: Import, wanted: string): Import {
  if (found.status !== wanted) throw new Error(`import ended ${found.status} instead of ${wanted}: ${JSON.stringify(found)}`)
  return found
}

const decimals = 18

/** Exact, as plain decimals without trailing zeros. */
function sum(amounts: string[]): string {
  const total = amounts.reduce((sum, amount) => {
    const [whole = '', fraction = ''] = amount.split('.')
    return sum + BigInt(whole + fraction.padEnd(decimals, '0'))
  }, 0n)
  const digits = total.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
}

function expectEqual(found: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(found, wanted)) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}
