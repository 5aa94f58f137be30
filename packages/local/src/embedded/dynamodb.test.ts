import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startDynamodb, sweepExpired } from './dynamodb.ts'
import { repeat } from '../process/repeat.ts'
import { dataFolder, memoryLog } from '../services/testing/services.ts'

const day = 24 * 3600
const seconds = (iso: string) => Date.parse(iso) / 1000
const at = '2026-11-23T00:00:00.000Z'
const own = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'secret' } }
const mail = (id: string, expiresAt: number) => ({
  id,
  to: 'a@example.com',
  subject: 's',
  text: 'x'.repeat(20_000),
  at,
  expiresAt,
})

test('the sweep removes exactly the expired items, over several pages', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const { runtime, endpoints, connection } = await folder.boot()
  // 160 mails of 20 kB exceed one page of a scan.
  for (let n = 0; n < 160; n++) await runtime.tables.mails.insert('machine', mail(`old${n}`, seconds(at) - 1 - n))
  await runtime.tables.mails.insert('machine', mail('young', seconds(at)))
  await runtime.tables.heads.insert('org', { id: 'head' } as never)
  await runtime.tables.heads.insert('org', { id: 'text', expiresAt: '0' } as never)
  await runtime.counters.add('org', 'old', 1, new Date(0))

  const sweep = async (iso: string) =>
    await sweepExpired({ ...connection, endpoint: endpoints.dynamodb }, 'cloudoptima', new Date(iso))
  expect(await sweep(at)).toBe(161)
  expect((await runtime.tables.mails.all('machine')).map(({ id }) => id)).toStrictEqual(['young'])
  expect((await runtime.tables.heads.all('org')).map(({ id }) => id)).toStrictEqual(['head', 'text'])
  expect(await runtime.counters.add('org', 'old', 1, new Date(day * 1000))).toBe(1)
  expect(await sweep(at)).toBe(1)
})

test('an item whose expiry is extended during the sweep stays', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const { runtime, endpoints, connection } = await folder.boot()
  const ids = Array.from({ length: 100 }, (_, n) => `m${100 + n}`)
  for (const id of ids) await runtime.tables.mails.insert('machine', mail(id, 1))
  const sweep = sweepExpired({ ...connection, endpoint: endpoints.dynamodb }, 'cloudoptima', new Date(at))
  // In reverse order, so that the sweep has already found items that it must then keep.
  for (const id of ids.toReversed()) await runtime.tables.mails.put('machine', mail(id, seconds(at) + day))
  expect(await sweep).toBeLessThan(100)
  expect((await runtime.tables.mails.all('machine')).map(({ id }) => id)).toStrictEqual(ids)
})

test('after a kill, indexes have again the items whose entries were lost', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const { runtime, close } = await folder.boot()
  const ids = Array.from({ length: 60 }, (_, n) => `imp_${100 + n}`)
  for (const id of ids) await runtime.tables.imports.insert('org', { id, status: 'uploading' } as never)
  const running = await readFile(join(folder.dataDir, 'running.json'))
  await close()
  const { Level } = createRequire(createRequire(import.meta.url).resolve('dynalite'))('level') as {
    Level: new (path: string) => { clear(range: object): Promise<void>; close(): Promise<void> }
  }
  const level = new Level(join(folder.dataDir, 'dynamodb'))
  await level.clear({ gte: 'index-', lt: 'index.' })
  await level.close()
  const count = async () => {
    const again = await folder.boot()
    const found = await again.runtime.tables.imports.count('org', 'uploading')
    expect((await again.runtime.tables.imports.all('org')).map(({ id }) => id)).toEqual(ids)
    await again.close()
    return found
  }
  expect(await count()).toBe(0)
  await writeFile(join(folder.dataDir, 'running.json'), running)
  expect(await count()).toBe(60)
})

test('a folder that an earlier version wrote is refused, with what to do', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const earlier = await startDynamodb(join(folder.dataDir, 'dynamodb'), 'secret')
  const client = new DynamoDBClient({ ...own, endpoint: earlier.url })
  const names = ['pk', 'sk']
  await client.send(
    new CreateTableCommand({
      TableName: 'cloudoptima',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' })),
    }),
  )
  await waitUntilTableExists({ client, maxWaitTime: 5, minDelay: 0.02, maxDelay: 0.1 }, { TableName: 'cloudoptima' })
  await earlier.close()
  await expect(folder.boot()).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/--data/) as string,
  })
})

test('a row waits with its pending events for the relay, however long it has expired', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const { runtime, endpoints, connection } = await folder.boot()
  await runtime.tables.mails.insert('machine', mail('m1', 1), [
    { id: 'e1', name: 'mail', orgId: 'machine', at, data: {} },
  ])
  const sweep = async () =>
    await sweepExpired({ ...connection, endpoint: endpoints.dynamodb }, 'cloudoptima', new Date('2030-01-01'))
  expect(await sweep()).toBe(0)
  await runtime.tables.mails.acknowledge('machine', 'm1', ['e1'])
  expect(await sweep()).toBe(1)
})

test('a start sweeps expired items', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const first = await folder.boot()
  await first.runtime.tables.mails.insert('machine', mail('old', 1))
  await first.close()
  const { runtime } = await folder.boot()
  await vi.waitFor(async () => expect(await runtime.tables.mails.all('machine')).toStrictEqual([]))
})

test('a failed chore is logged and repeated; stopping waits for its end', async () => {
  const log = memoryLog()
  let rounds = 0
  const chore = repeat('sweep', 1, log, async () => {
    if (++rounds === 1) throw new Error('no disk')
    await new Promise((resolve) => setTimeout(resolve, 5))
  })
  await vi.waitFor(() => expect(rounds).toBeGreaterThan(2))
  await chore.stop()
  const before = rounds
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(rounds).toBe(before)
  expect(log.lines).toMatchObject([{ level: 'error', fields: { operation: 'sweep', error: { message: 'no disk' } } }])
})
