import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { repair } from '../embedded/repair.ts'
import { readRunning } from '../process/running.ts'
import type { Services } from './boot.ts'
import { dataFolder, item, bills } from './testing/services.ts'

let folder: Awaited<ReturnType<typeof dataFolder>>
beforeEach(async () => {
  folder = await dataFolder()
})
afterEach(async () => await folder.end())

test('a restart finds all data', async () => {
  const first = await folder.boot()
  await first.runtime.tables.executions.insert('org', item('a', 1))
  await first.runtime.blobs.put('org', 'a', Buffer.from('bytes'))
  await first.close()
  const second = await folder.boot()
  expect(second.attached).toBe(false)
  expect(await second.runtime.tables.executions.get('org', 'a')).toStrictEqual(item('a', 1))
  expect(Buffer.from(await second.runtime.blobs.get('org', 'a')).toString()).toBe('bytes')
})

test('a second process uses the tables, objects, queues and workflows of the first', async () => {
  const ran: unknown[] = []
  const Normalize = (input: unknown) => Promise.resolve({ outcome: 'unchanged', n: ran.push(input) })
  const first = await folder.boot(bills({ Normalize }), undefined, {
    work: { concurrency: 1, visibilitySeconds: 60, receives: 3 },
  })
  await first.recordApi('http://127.0.0.1:4000/v1')
  const second = await folder.boot()
  expect([first.attached, second.attached, second.api]).toStrictEqual([false, true, 'http://127.0.0.1:4000/v1'])

  await second.runtime.tables.executions.insert('org', item('a', 1))
  await second.runtime.blobs.put('org', 'a', Buffer.from('bytes'))
  expect(await first.runtime.tables.executions.get('org', 'a')).toStrictEqual(item('a', 1))
  expect(Buffer.from(await first.runtime.blobs.get('org', 'a')).toString()).toBe('bytes')

  await second.runtime.workflows.start('bills', 'imp_1', { importId: 'imp_1' })
  expect((await second.whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  expect(ran).toStrictEqual([{ importId: 'imp_1' }])
  expect(await second.runtime.workflows.describe('bills', 'imp_1')).toMatchObject({
    status: 'succeeded',
    output: { importId: 'imp_1', normalize: { result: { outcome: 'unchanged', n: 1 } } },
  })
  expect(await second.runtime.workflows.describe('bills', 'imp_2')).toBeUndefined()
  const refused = { name: 'Fault', code: 'conflict' }
  await expect(second.runtime.workflows.succeed('unknown', null)).rejects.toMatchObject(refused)
  await expect(second.runtime.workflows.fail('unknown', { error: 'E', cause: '' })).rejects.toMatchObject(refused)
  await second.runtime.queues.send('work', null, { deduplicationId: 'm1' })
  expect(await first.runtime.queues.depths(['work'])).toMatchObject([{ waiting: 1 }])
})

test('of many processes that start at once, one holds the data folder and the others attach', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, async () => await folder.boot()))
  expect(all.filter(({ attached }) => !attached)).toHaveLength(1)
  expect(new Set(all.map(({ endpoints }) => endpoints.dynamodb)).size).toBe(1)
})

test('a queue keeps its messages over a restart', async () => {
  const sqs = async (
    { endpoints: { s3: url }, connection }: Services,
    action: string,
    body: object,
  ): Promise<object> => {
    const authorization = `Bearer ${connection.credentials.secretAccessKey}`
    const headers = {
      authorization,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
    }
    return (await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as object
  }
  const first = await folder.boot()
  const { QueueUrl } = (await sqs(first, 'CreateQueue', { QueueName: 'work' })) as { QueueUrl: string }
  await sqs(first, 'SendMessage', { QueueUrl, MessageBody: 'hello' })
  await first.close()
  const second = await folder.boot()
  expect(await sqs(second, 'ReceiveMessage', { QueueUrl })).toMatchObject({
    Messages: [{ Body: 'hello' }],
  })
})

test('files of a dead process are ignored, even if its process id or port is reused', async () => {
  const first = await folder.boot()
  const left = await readFile(join(folder.dataDir, 'running.json'), 'utf8')
  expect((await stat(join(folder.dataDir, 'running.json'))).mode & 0o077).toBe(0)
  await first.close()
  expect(await readRunning(folder.dataDir)).toBeUndefined()
  await writeFile(join(folder.dataDir, 'running.json'), left.replace(/"pid": \d+/, `"pid": ${process.pid}`))
  const second = await folder.boot()
  expect(second.attached).toBe(false)
  expect((await readRunning(folder.dataDir))?.endpoints).toStrictEqual(second.endpoints)
})

test('the services listen on loopback only, and refuse web pages', async () => {
  const { endpoints } = await folder.boot()
  const control = (await readRunning(folder.dataDir))?.control.url ?? ''
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  for (const url of [endpoints.dynamodb, endpoints.s3, control]) {
    expect(new URL(url).hostname).toBe('127.0.0.1')
    if (outside) await expect(connects(outside.address, Number(new URL(url).port))).resolves.toBe(false)
  }
  expect((await fetch(`${control}/health`)).status).toBe(401)
})

describe('a web page in a browser on this machine', () => {
  interface Asked {
    method: string
    path?: string
    headers: Record<string, string>
    body?: string
  }

  /** `fetch` does not allow setting Host. */
  function ask(
    url: string,
    { method, path = '/', headers, body }: Asked,
  ): Promise<{ status: number | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { method, headers }, (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode, text: answer }), reject)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }

  async function served() {
    const { endpoints, runtime } = await folder.boot()
    await runtime.blobs.put('org', 'bill.csv', Buffer.from('bytes'))
    const control = (await readRunning(folder.dataDir))?.control.url ?? ''
    return { servers: [endpoints.dynamodb, endpoints.s3, control], s3: endpoints.s3, runtime }
  }

  test('cannot delete objects, and is refused by every server', async () => {
    const { servers, s3, runtime } = await served()
    const headers = { Origin: 'https://evil.example', 'Content-Type': 'text/plain' }
    const body = '<Delete><Object><Key>org/bill.csv</Key></Object></Delete>'
    expect((await ask(s3, { method: 'POST', path: '/cloudoptima?delete', headers, body })).status).toBe(403)
    for (const url of servers)
      expect(await ask(url, { method: 'POST', headers, body })).toEqual({ status: 403, text: '' })
    expect(await runtime.blobs.list('org', '')).toHaveLength(1)
  })

  test('cannot read by DNS rebinding', async () => {
    const { servers, s3, runtime } = await served()
    const { port } = new URL(s3)
    for (const name of ['cloudoptima.evil.example', 'evil.example', 'localhost', '127.0.0.1.evil.example']) {
      expect(await ask(s3, { method: 'GET', headers: { Host: `${name}:${port}` } })).toEqual({ status: 421, text: '' })
    }
    for (const url of servers) {
      const Host = `evil.example:${new URL(url).port}`
      expect(await ask(url, { method: 'POST', headers: { Host } })).toEqual({ status: 421, text: '' })
    }
    const signed = await runtime.blobs.downloadUrl('org', 'bill.csv', 60)
    expect(await (await fetch(signed)).text()).toBe('bytes')
  })
})

test('the server survives a client that disconnects during a request', async () => {
  const { endpoints, runtime } = await folder.boot()
  for (const url of [endpoints.dynamodb, endpoints.s3]) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await once(socket, 'connect')
    const headers = `Host: ${new URL(url).host}\r\nContent-Type: application/json\r\nContent-Length: 100000`
    socket.write(`PUT /cloudoptima/org/half HTTP/1.1\r\n${headers}\r\n\r\n{"half":`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.resetAndDestroy()
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  await runtime.tables.executions.insert('org', item('a'))
  expect(await runtime.tables.executions.get('org', 'a')).toMatchObject({ id: 'a' })
  expect(await runtime.blobs.list('org', '')).toStrictEqual([])
})

test('the object folder is repaired after a kill between any two writes', async () => {
  const objects = join(folder.dataDir, 'buckets', 'b', 'objects', 'org')
  await mkdir(objects, { recursive: true })
  await mkdir(join(folder.dataDir, '_multipart', 'upload', 'parts'), { recursive: true })
  const files = {
    // Complete objects.
    'whole.data': 'x',
    'whole.meta.json': '{}',
    // Killed while writing the data, then while writing the metadata: the object is the old one, or missing.
    'new1.data.tmp': 'ha',
    'new2.data.tmp': 'half',
    'new2.meta.json.tmp': '{"ke',
    'old.data': 'old',
    'old.meta.json': '{"old":1}',
    'old.data.tmp': 'new',
    'old.meta.json.tmp': '{"new":1}',
    // Killed between the renames: the object is the new one.
    'new3.data': 'new',
    'new3.meta.json.tmp': '{"new":3}',
    'over.data': 'new',
    'over.meta.json': '{"old":1}',
    'over.meta.json.tmp': '{"new":1}',
    // Killed during a removal.
    'gone.data': 'x',
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(objects, name), content)
  await writeFile(join(folder.dataDir, 'buckets', 'b', '.bucket.json.tmp'), '{"na')

  await repair(folder.dataDir)
  await repair(folder.dataDir)
  expect((await readdir(objects)).toSorted()).toStrictEqual([
    'new3.data',
    'new3.meta.json',
    'old.data',
    'old.meta.json',
    'over.data',
    'over.meta.json',
    'whole.data',
    'whole.meta.json',
  ])
  expect(await readFile(join(objects, 'old.meta.json'), 'utf8')).toBe('{"old":1}')
  expect(await readFile(join(objects, 'over.meta.json'), 'utf8')).toBe('{"new":1}')
  expect(await readdir(folder.dataDir)).toStrictEqual(['buckets'])
  expect(await readdir(join(folder.dataDir, 'buckets', 'b'))).toStrictEqual(['objects'])
})

async function connects(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
