import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault, type Execution, type Page, type Runtime } from '@cloudoptima/core'
import { createRuntime, noLake } from '@cloudoptima/runtime'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataFolder, item, pattern } from './testing/services.ts'

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
const conflict = { name: 'Fault', code: 'conflict' }

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

describe('tables', () => {
  const table = () => runtime.tables.executions

  test('return the stored item without undefined fields', async () => {
    const orgId = org()
    const input = {
      text: 'Zürich ✓ 雪',
      empty: '',
      zero: 0,
      minus: -1.5,
      big: 9007199254740991,
      no: false,
      none: null,
      list: [],
      nested: { deep: [1, { a: 'b' }] },
    }
    await table().insert(orgId, item('a', { ...input, gone: undefined }))
    expect(await table().get(orgId, 'a')).toStrictEqual(item('a', input))
    expect(await table().get(orgId, 'b')).toBeUndefined()
  })

  test('insert only new items', async () => {
    const orgId = org()
    await table().insert(orgId, item('a', 1))
    await expect(table().insert(orgId, item('a', 2))).rejects.toMatchObject(conflict)
    expect((await table().get(orgId, 'a'))?.input).toBe(1)
  })

  test('put replaces the whole item, and remove deletes it', async () => {
    const orgId = org()
    await table().put(orgId, { ...item('a'), error: 'x' })
    await table().put(orgId, item('a', 2))
    expect(await table().get(orgId, 'a')).toStrictEqual(item('a', 2))
    await table().remove(orgId, 'a')
    await table().remove(orgId, 'a')
    expect(await table().get(orgId, 'a')).toBeUndefined()
  })

  test('replace only if every named field has the expected value', async () => {
    const orgId = org()
    const at = item('a', 1)
    await expect(table().replace(orgId, at, { status: 'running' })).rejects.toMatchObject(conflict)
    await expect(table().replace(orgId, at, { error: undefined })).rejects.toMatchObject(conflict)
    await table().replace(orgId, at, undefined)
    await expect(table().replace(orgId, at, undefined)).rejects.toMatchObject(conflict)
    await expect(table().replace(orgId, at, { status: 'running', startedAt: 'other' })).rejects.toMatchObject(conflict)
    await expect(table().replace(orgId, at, { input: 2 })).rejects.toMatchObject(conflict)
    await expect(table().replace(orgId, at, { input: { a: 1 } })).rejects.toThrow('input')
    await table().replace(orgId, { ...at, status: 'failed', error: 'e' }, {
      status: 'running',
      input: 1,
      error: undefined,
    } as never)
    await expect(table().replace(orgId, at, { error: undefined })).rejects.toMatchObject(conflict)
    expect((await table().get(orgId, 'a'))?.status).toBe('failed')
  })

  test('list by id, by prefix, page by page, in both directions', async () => {
    const orgId = org()
    const ids = ['a', 'a/1', 'a/10', 'a/2', 'aB', 'b', 'é']
    await Promise.all(ids.toReversed().map(async (id) => await table().insert(orgId, item(id))))
    const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(await pages(orgId, {})).toStrictEqual([sorted])
    expect(await pages(orgId, { limit: 3 })).toStrictEqual([sorted.slice(0, 3), sorted.slice(3, 6), sorted.slice(6)])
    expect(await pages(orgId, { limit: 7 })).toStrictEqual([sorted])
    expect(await pages(orgId, { limit: 4, descending: true })).toStrictEqual([
      sorted.toReversed().slice(0, 4),
      sorted.toReversed().slice(4),
    ])
    expect(await pages(orgId, { prefix: 'a/', limit: 2 })).toStrictEqual([['a/1', 'a/10'], ['a/2']])
    expect(await pages(orgId, { prefix: 'a/', limit: 2, descending: true })).toStrictEqual([['a/2', 'a/10'], ['a/1']])
    expect(await pages(orgId, { prefix: 'x' })).toStrictEqual([[]])
  })

  test('continue a listing after an id that does not exist', async () => {
    const orgId = org()
    for (const id of ['a', 'c', 'e']) await table().insert(orgId, item(id))
    const idsFrom = async (page: Page) => (await table().list(orgId, page)).items.map(({ id }) => id)
    expect(await idsFrom({ from: 'b' })).toStrictEqual(['c', 'e'])
    expect(await idsFrom({ from: 'b', descending: true })).toStrictEqual(['a'])
    expect(await idsFrom({ from: 'f', descending: true, limit: 2 })).toStrictEqual(['e', 'c'])
  })

  test('all returns more than the 1 MB of one response', async () => {
    const orgId = org()
    const ids = Array.from({ length: 30 }, (_, i) => `x${String(i).padStart(2, '0')}`)
    for (const id of ids) await table().insert(orgId, item(id, 'y'.repeat(100_000)))
    expect((await table().all(orgId)).map(({ id }) => id)).toStrictEqual(ids)
    expect((await table().all(orgId, 'x1')).map(({ id }) => id)).toStrictEqual(ids.slice(10, 20))
    expect((await table().list(orgId, { limit: 25 })).items).toHaveLength(25)
  })

  test('keep organizations and nouns apart', async () => {
    const [one, other] = [org(), org()]
    await table().insert(one, item('a', 1))
    await table().insert(other, item('a', 2))
    expect((await table().all(one)).map(({ input }) => input)).toStrictEqual([1])
    expect(await runtime.tables.imports.all(one)).toStrictEqual([])
  })

  test('behave like a map for any order of writes', async () => {
    const id = fc.constantFrom('a', 'b', 'a/b', '#', 'ü')
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    const json = fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), scalar))
    const write = fc.record({
      operation: fc.constantFrom('insert', 'put', 'replace', 'remove'),
      id,
      input: json,
      expected: fc.constantFrom('running', 'failed', 'none'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), async (writes) => {
        const orgId = org()
        const model = new Map<string, Execution.Info>()
        for (const [n, each] of writes.entries()) await apply(orgId, model, each, n % 2 === 0 ? 'running' : 'failed')
        const sorted = [...model.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)))
        expect(await table().all(orgId)).toEqual(sorted)
      }),
      { numRuns: 40 },
    )
  })

  test('let exactly one of many writers replace the same state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.boolean(), async (writers, exists) => {
        const orgId = org()
        if (exists) await table().insert(orgId, item('a', 'before', 'running'))
        const expected = exists ? { status: 'running' as const } : undefined
        const attempts = Array.from(
          { length: writers },
          async (_, writer) => await table().replace(orgId, item('a', writer, 'succeeded'), expected),
        )
        const outcomes = await Promise.allSettled(attempts)
        const winners = outcomes.flatMap(({ status }, writer) => (status === 'fulfilled' ? [writer] : []))
        expect(winners).toHaveLength(1)
        expect(
          outcomes.filter(
            (outcome) =>
              outcome.status === 'rejected' && outcome.reason instanceof Fault && outcome.reason.code === 'conflict',
          ),
        ).toHaveLength(writers - 1)
        expect((await table().get(orgId, 'a'))?.input).toBe(winners[0])
      }),
      { numRuns: 25 },
    )
  })

  test('lose no increment of writers that retry after a conflict', async () => {
    const orgId = org()
    await table().insert(orgId, item('a', 0))
    const increment = async (): Promise<void> => {
      const before = await table().get(orgId, 'a')
      if (!before) throw new Error('the item is gone')
      try {
        await table().replace(orgId, { ...before, input: Number(before.input) + 1 }, { input: before.input })
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        await increment()
      }
    }
    await Promise.all(Array.from({ length: 15 }, increment))
    expect((await table().get(orgId, 'a'))?.input).toBe(15)
  })

  async function pages(
    orgId: string,
    page: { prefix?: string; limit?: number; descending?: boolean },
  ): Promise<string[][]> {
    const found: string[][] = []
    let from: string | undefined
    do {
      const { items, next } = await table().list(orgId, { ...page, ...(from !== undefined && { from }) })
      found.push(items.map(({ id }) => id))
      from = next
    } while (from !== undefined)
    return found
  }

  interface Write {
    operation: 'insert' | 'put' | 'replace' | 'remove'
    id: string
    input: unknown
    expected: 'running' | 'failed' | 'none'
  }

  /** Applies the write to the table and to the model, and compares the results. */
  async function apply(
    orgId: string,
    model: Map<string, Execution.Info>,
    { operation, id, input, expected }: Write,
    status: Execution.Info['status'],
  ): Promise<void> {
    const next = item(id, input, status)
    const where = expected === 'none' ? undefined : { status: expected }
    const before = model.get(id)
    const allowed = {
      insert: !before,
      put: true,
      remove: true,
      replace: expected === 'none' ? !before : before?.status === expected,
    }[operation]
    const writes = {
      insert: async () => await table().insert(orgId, next),
      put: async () => await table().put(orgId, next),
      remove: async () => await table().remove(orgId, id),
      replace: async () => await table().replace(orgId, next, where),
    }
    if (!allowed) return await expect(writes[operation]()).rejects.toMatchObject(conflict)
    await writes[operation]()
    if (operation === 'remove') model.delete(id)
    else model.set(id, next)
  }
})

describe('counters', () => {
  const inAnHour = () => new Date(Date.now() + 3600 * 1000)

  test('return the sum of all additions, by organization and key', async () => {
    const [one, other] = [org(), org()]
    expect(await runtime.counters.add(one, 'a', 1, inAnHour())).toBe(1)
    expect(await runtime.counters.add(one, 'a', 41, inAnHour())).toBe(42)
    expect(await runtime.counters.add(one, 'a', -2, inAnHour())).toBe(40)
    expect(await runtime.counters.add(one, 'b#1', 0, inAnHour())).toBe(0)
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
  const data = { importId: 'imp_x', lakeVersion: 1, partitions: [] }
  const event = { id: randomUUID(), name: 'cost.landed', orgId: org(), at: '2026-11-23T00:00:00.000Z', data } as const
  await expect(runtime.bus.publish(event)).resolves.toBeUndefined()
})

test('a second start of the same name changes nothing', async () => {
  const name = `contract-${randomUUID()}`
  await expect(runtime.workflows.start('bills', name, { orgId: org(), importId: 'imp_none' })).resolves.toBeUndefined()
  await expect(runtime.workflows.start('bills', name, { orgId: org(), importId: 'imp_other' })).resolves.toBeUndefined()
})
