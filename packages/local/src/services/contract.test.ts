import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Runtime } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createRuntime, noLake } from '@cloudoptima/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outboxContract } from './testing/outbox-contract.ts'
import { relayContract } from './testing/relay-contract.ts'
import { dataFolder, pattern } from './testing/services.ts'
import { tablesContract } from './testing/tables-contract.ts'

/** Runs over the embedded services, or over a deployment if these variables name its endpoint. */
const {
  CONTRACT_ENDPOINT,
  CONTRACT_TABLE = '',
  CONTRACT_BUCKET = '',
  CONTRACT_BUS = '',
  CONTRACT_STATE_MACHINE_ARN = '',
} = process.env

let runtime: Runtime
let end = () => Promise.resolve()
const org = () => `org-${randomUUID()}`

beforeAll(async () => {
  if (CONTRACT_ENDPOINT) {
    const endpoints = {
      dynamodb: CONTRACT_ENDPOINT,
      s3: CONTRACT_ENDPOINT,
      eventbridge: CONTRACT_ENDPOINT,
      stepfunctions: CONTRACT_ENDPOINT,
    }
    const names = {
      tableName: CONTRACT_TABLE,
      bucketName: CONTRACT_BUCKET,
      busName: CONTRACT_BUS,
      stateMachineArn: () => CONTRACT_STATE_MACHINE_ARN,
    }
    runtime = createRuntime({ region: 'us-east-1', endpoints, ...names, lake: noLake })
  } else {
    const folder = await dataFolder()
    end = folder.end
    runtime = (await folder.boot()).runtime
  }
})
afterAll(async () => await end())

const memory = memoryRuntime()
for (const contract of [tablesContract, outboxContract, relayContract]) {
  contract('of DynamoDB', () => runtime)
  contract('in memory', () => memory)
}

describe('counters', () => {
  const inAnHour = () => new Date(Date.now() + 3600 * 1000)

  test('return the sum of all additions, by organization and key', async () => {
    const [one, other] = [org(), org()]
    expect(await runtime.counters.add(one, 'a', 1, inAnHour())).toBe(1)
    expect(await runtime.counters.add(one, 'a', 41, inAnHour())).toBe(42)
    expect(await runtime.counters.add(one, 'a', -2, inAnHour())).toBe(40)
    expect(await runtime.counters.add(one, 'b#1', 0, inAnHour())).toBe(0)
    expect(await runtime.counters.get(one, 'a')).toBe(40)
    expect(await runtime.counters.get(other, 'a')).toBe(0)
    expect(await runtime.counters.add(other, 'a', 1, inAnHour())).toBe(1)
  })

  test('lose no concurrent addition, and return a different sum to each', async () => {
    const orgId = org()
    const sums = await Promise.all(
      Array.from({ length: 50 }, async () => await runtime.counters.add(orgId, 'a', 1, inAnHour())),
    )
    expect(sums.toSorted((a, b) => a - b)).toStrictEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  })
})

describe('blobs', () => {
  const MiB = 1024 * 1024

  test('return the stored bytes, whole and as a stream', async () => {
    const orgId = org()
    const body = pattern(1, 300_000)
    await runtime.blobs.put(orgId, 'raw/a', body, 'text/csv')
    expect(sha(await runtime.blobs.get(orgId, 'raw/a'))).toBe(sha(body))
    expect(sha(Buffer.concat(await Array.fromAsync(await runtime.blobs.stream(orgId, 'raw/a'))))).toBe(sha(body))
    await runtime.blobs.put(orgId, 'raw/a', pattern(2, 10))
    expect(sha(await runtime.blobs.get(orgId, 'raw/a'))).toBe(sha(pattern(2, 10)))
  })

  test('report a missing object', async () => {
    const orgId = org()
    await expect(runtime.blobs.get(orgId, 'x')).rejects.toMatchObject({ name: 'Fault', code: 'not_found' })
    await expect(runtime.blobs.stream(orgId, 'x')).rejects.toMatchObject({ name: 'Fault', code: 'not_found' })
    await runtime.blobs.put(orgId, 'x', new Uint8Array())
    expect(await runtime.blobs.get(orgId, 'x')).toHaveLength(0)
    await runtime.blobs.remove(orgId, 'x')
    await runtime.blobs.remove(orgId, 'x')
    await expect(runtime.blobs.get(orgId, 'x')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('copy an object under any key, which then stays whatever happens to the first', async () => {
    const orgId = org()
    for (const [from, to] of [
      ['uploads/a', 'raw/a'],
      ['uploads/a b+c&d=e%20', 'raw/Ü/é?'],
    ] as const) {
      await expect(runtime.blobs.copy(orgId, from, to)).rejects.toMatchObject({ name: 'Fault', code: 'not_found' })
      await runtime.blobs.put(orgId, from, pattern(1, 8 * MiB))
      await runtime.blobs.copy(orgId, from, to)
      await runtime.blobs.put(orgId, from, pattern(2, 10))
      await runtime.blobs.remove(orgId, from)
      expect(sha(await runtime.blobs.get(orgId, to))).toBe(sha(pattern(1, 8 * MiB)))
    }
  })

  test.each([0, 1, 8 * MiB - 1, 8 * MiB, 8 * MiB + 1, 21 * MiB])('store a file of %i bytes', async (size) => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
    const body = randomBytes(size)
    await writeFile(join(folder, 'f'), body)
    const orgId = org()
    await runtime.blobs.putFile(orgId, 'f', join(folder, 'f'))
    expect(sha(await runtime.blobs.get(orgId, 'f'))).toBe(sha(body))
    expect(await runtime.blobs.list(orgId, '')).toStrictEqual([{ key: 'f', bytes: size }])
    await rm(folder, { recursive: true })
  })

  test('accept any key, and list keys in order by prefix', async () => {
    const orgId = org()
    const keys = [
      'lake/AWS/1/2024-09/costs-0.parquet',
      'lake/Google%20Cloud/01-A%2FB/2024-09/x',
      'lake/a b+c&d=e',
      'lake/Ü',
      'lake/AWS',
      'other',
    ]
    for (const [i, key] of keys.entries()) await runtime.blobs.put(orgId, key, Buffer.alloc(i))
    const expected = keys.map((key, bytes) => ({ key, bytes })).filter(({ key }) => key.startsWith('lake/'))
    expect(await runtime.blobs.list(orgId, 'lake/')).toStrictEqual(
      expected.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
    )
    for (const [i, key] of keys.entries()) expect(await runtime.blobs.get(orgId, key)).toHaveLength(i)
  })

  test('list more than the 1,000 keys of one response, each once', async () => {
    const orgId = org()
    // Capitals, digits and punctuation sort differently by language than by byte.
    const keys = Array.from({ length: 1_100 }, (_, i) => `p/${'aB_-9Z'.charAt(i % 6)}${i}`)
    for (let i = 0; i < keys.length; i += 50)
      await Promise.all(keys.slice(i, i + 50).map(async (key) => await runtime.blobs.put(orgId, key, Buffer.from('x'))))
    expect((await runtime.blobs.list(orgId, 'p/')).map(({ key }) => key)).toStrictEqual(keys.toSorted())
  })

  test('create a URL that accepts an upload without credentials', async () => {
    const orgId = org()
    const body = pattern(3, 100_000)
    const url = await runtime.blobs.uploadUrl(orgId, 'raw/up load', 60, body.length)
    expect(url).not.toMatch(/checksum/i)
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host')
    expect((await fetch(url, { method: 'PUT', body: new Uint8Array(body) })).status).toBe(200)
    expect(sha(await runtime.blobs.get(orgId, 'raw/up load'))).toBe(sha(body))
  })

  test.each(['application/x-www-form-urlencoded', 'application/x-amz-json-1.0', 'application/json', 'text/csv'])(
    'store an upload with the content type %s unchanged',
    async (type) => {
      const orgId = org()
      const body = Buffer.concat([Buffer.from('a=1&b=%20+c\r\n'), pattern(4, 100_000)])
      const url = await runtime.blobs.uploadUrl(orgId, 'raw/typed', 60, body.length)
      expect(
        (await fetch(url, { method: 'PUT', headers: { 'content-type': type }, body: new Uint8Array(body) })).status,
      ).toBe(200)
      expect(sha(await runtime.blobs.get(orgId, 'raw/typed'))).toBe(sha(body))
    },
  )

  test('refuse a key that leads out of the organization’s folder', async () => {
    const { blobs } = runtime
    for (const key of ['../x', 'lake/../../x', './x', 'lake//x', 'lake/..', ''])
      for (const use of [
        () => blobs.put(org(), key, new Uint8Array()),
        () => blobs.get(org(), key),
        () => blobs.remove(org(), key),
        () => blobs.uploadUrl(org(), key, 60, 1),
      ])
        await expect(use()).rejects.toThrow('is no key of an object')
    await expect(blobs.list(org(), 'lake/../')).rejects.toThrow('is no key of an object')
  })

  test('keep organizations apart', async () => {
    const [one, other] = [org(), org()]
    await runtime.blobs.put(one, 'a', Buffer.from('1'))
    expect(await runtime.blobs.list(other, '')).toStrictEqual([])
    await expect(runtime.blobs.get(other, 'a')).rejects.toMatchObject({ code: 'not_found' })
  })

  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
})

test('the bus accepts an event', async () => {
  const data = { importId: 'imp_x', lakeVersion: 1 }
  const event = { id: randomUUID(), name: 'cost.landed', orgId: org(), at: '2026-11-23T00:00:00.000Z', data } as const
  await expect(runtime.bus.publish(event)).resolves.toBeUndefined()
})

test('a second start of the same name changes nothing', async () => {
  const name = `contract-${randomUUID()}`
  await expect(runtime.workflows.start('bills', name, { orgId: org(), importId: 'imp_none' })).resolves.toBeUndefined()
  await expect(runtime.workflows.start('bills', name, { orgId: org(), importId: 'imp_other' })).resolves.toBeUndefined()
})
