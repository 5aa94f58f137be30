import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createRuntime, noLake } from './aws.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const names = { region: 'us-east-1', credentials, tableName: 'table', bucketName: 'bucket', lake: noLake }
const event = {
  id: 'e1',
  name: 'cost.landed',
  orgId: 'org',
  at: '2026-11-23T00:00:00.000Z',
  data: { importId: 'imp_1', lakeVersion: 1, partitions: [] },
} as const

/** A service that gives one answer to everything, and keeps what it was asked. */
async function service(status: number, answer: object, headers: Record<string, string> = {}) {
  const asked: { target: string | undefined; body: unknown }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ target: request.headers['x-amz-target']?.toString(), body: JSON.parse(body) })
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers }).end(JSON.stringify(answer))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('an event goes to the bus whole, under its own name', async () => {
  const { url, asked } = await service(200, { FailedEntryCount: 0, Entries: [{ EventId: 'x' }] })
  const { bus } = createRuntime({ ...names, endpoints: { eventbridge: url }, busName: 'events' })
  await bus.publish({ ...event, data: { ...event.data, partitions: [] } })
  const [{ body, target } = { body: {}, target: '' }] = asked
  const [entry] = (body as { Entries: { Detail: string }[] }).Entries
  expect(target).toBe('AWSEvents.PutEvents')
  expect(entry).toMatchObject({ EventBusName: 'events', Source: 'cloudoptima', DetailType: 'cost.landed' })
  expect(JSON.parse(entry?.Detail ?? '')).toStrictEqual(event)
})

test('an event that the bus did not take is a fault, though the answer is 200', async () => {
  const { url } = await service(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] })
  const { bus } = createRuntime({ ...names, endpoints: { eventbridge: url }, busName: 'events' })
  await expect(bus.publish({ ...event, data: { ...event.data, partitions: [] } })).rejects.toMatchObject({
    name: 'Fault',
    code: 'unavailable',
    message: expect.stringContaining('ThrottlingException'),
  })
})

test('an execution that was started before is no fault; one that cannot start is', async () => {
  const start = async (answer: object) => {
    const { url, asked } = await service(400, answer)
    const { workflows } = createRuntime({
      ...names,
      endpoints: { stepfunctions: url },
      stateMachineArns: { pipeline: 'arn:aws:states:us-east-1:1:stateMachine:p' },
    })
    await workflows.start('pipeline', 'imp_1', { importId: 'imp_1' })
    return asked
  }
  expect(await start({ __type: 'ExecutionAlreadyExists', message: 'exists' })).toStrictEqual([
    {
      target: 'AWSStepFunctions.StartExecution',
      body: { stateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:p', name: 'imp_1', input: '{"importId":"imp_1"}' },
    },
  ])
  await expect(start({ __type: 'StateMachineDoesNotExist', message: 'no such machine' })).rejects.toThrow('no such machine')
})

test('a function that was deployed without a bus says so', async () => {
  await expect(createRuntime(names).bus.publish({ ...event, data: { ...event.data, partitions: [] } })).rejects.toThrow('event bus')
})

test('without DuckDB every use of the lake is a fault', async () => {
  const { lake } = createRuntime(names)
  const files = { orgId: 'org', costs: [], rollup: [] }
  const unavailable = { name: 'Fault', code: 'unavailable' }
  await expect(lake.normalize([], { workDir: '', snapshotId: '' })).rejects.toMatchObject(unavailable)
  await expect(lake.query('reconciliation', files, { period: '2024-09' })).rejects.toMatchObject(unavailable)
  await expect(lake.export(files, { version: '1.2', path: '' })).rejects.toMatchObject(unavailable)
})

test('a function loads the clients that it uses, and no others', () => {
  const script = `
    const { createRuntime, noLake } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
    createRuntime({ ...${JSON.stringify({ ...names, lake: undefined })}, lake: noLake })
    const { createRequire } = await import('node:module')
    const loaded = Object.keys(createRequire(${JSON.stringify(import.meta.filename)}).cache)
    console.log(JSON.stringify([...new Set(loaded.flatMap((path) => path.match(/@aws-sdk\\/(client-[a-z0-9-]+)\\//)?.[1] ?? []))]))`
  expect(JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }))).toStrictEqual(['client-dynamodb'])
})
