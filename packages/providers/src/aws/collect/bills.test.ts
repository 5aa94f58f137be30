import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { accessTo, type Asked, fakeAccount, type FakeAccount, refusal, wire } from './testing.ts'

let server: FakeAccount | undefined
const folders: string[] = []
afterEach(async () => {
  await server?.close()
  server = undefined
  await Promise.all(folders.splice(0).map(async (folder) => await rm(folder, { recursive: true })))
})

interface Stored {
  body: Uint8Array
  modified: Date
}

/** A bucket with objects, and exports that deliver into it. */
interface Customer {
  objects: Record<string, Stored>
  exports?: { name: string; table?: string; where?: string; health?: string; bucket?: string }[]
  reports?: string[]
  /** Answers before the bucket does. */
  override?: (asked: Asked, key: string) => object | undefined
}

const bucket = 'acme-costs'
const etagOf = (body: Uint8Array) => `"${createHash('md5').update(body).digest('hex')}"`
const stored = (body: string | Uint8Array, modified = '2026-11-20T00:00:00Z'): Stored => ({
  body: Buffer.from(body),
  modified: new Date(modified),
})
const manifest = (...keys: string[]) =>
  stored(JSON.stringify({ dataFiles: keys.map((key) => `s3://${bucket}/${key}`) }))

function answerOf(customer: Customer) {
  const { exports = [], reports = [] } = customer
  return (asked: Asked): object | undefined => {
    const key = decodeURIComponent(asked.request.path).slice(bucket.length + 2)
    const given = customer.override?.(asked, key)
    if (given) return given
    switch (asked.call) {
      case 'bcm-data-exports:ListExports':
        return {
          Exports: exports.map(({ name, health = 'HEALTHY' }) => ({
            ExportName: name,
            ExportArn: name,
            ExportStatus: { StatusCode: health },
          })),
        }
      case 'bcm-data-exports:GetExport': {
        const found = exports.find(({ name }) => name === asked.input['ExportArn'])
        const { name, table = 'FOCUS_1_2_AWS', where = '', bucket: S3Bucket = bucket } = found ?? {}
        return {
          Export: {
            Name: name,
            DataQuery: { QueryStatement: `SELECT BilledCost, ChargeCategory FROM ${table} ${where}` },
            DestinationConfigurations: { S3Destination: { S3Bucket, S3Prefix: 'exports', S3Region: 'eu-west-1' } },
          },
        }
      }
      case 'cur:DescribeReportDefinitions': {
        const page = Number(asked.input['NextToken'] ?? 0)
        return {
          ReportDefinitions: reports
            .slice(page, page + 1)
            .map((ReportName) => ({ ReportName, S3Bucket: bucket, S3Prefix: 'cur', S3Region: 'us-east-1' })),
          ...(page + 1 < reports.length && { NextToken: String(page + 1) }),
        }
      }
      case 's3:ListObjectsV2':
        return listed(customer.objects, asked.request.query)
      case 's3:GetObject': {
        const object = customer.objects[key]
        if (!object) return refusal(asked, 'NoSuchKey', 404)
        const ETag = etagOf(object.body)
        if (asked.request.headers['if-match'] !== ETag) return refusal(asked, 'PreconditionFailed', 412)
        return wire({ body: object.body, headers: { ETag } })
      }
    }
    return undefined
  }
}

/** Two objects on a page. */
function listed(objects: Customer['objects'], query: URLSearchParams) {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const keys = Object.keys(objects)
    .toSorted()
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
  const page = keys.slice(0, 2)
  return {
    Contents: page.map((Key) => {
      const { body = new Uint8Array(), modified } = objects[Key] ?? {}
      return { Key, ETag: etagOf(body), Size: body.length, LastModified: modified }
    }),
    IsTruncated: keys.length > 2,
    ...(keys.length > 2 && { NextContinuationToken: page.at(-1) }),
  }
}

async function collect(customer: Customer) {
  server = await fakeAccount(answerOf(customer))
  const told = accessTo(server)
  const deliveries = await Array.fromAsync(told.aws.bills(told.access))
  return { ...told, deliveries }
}

async function fetched(delivery: { fetch(folder: string): Promise<{ name: string; path: string }[]> } | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-bills-'))
  folders.push(folder)
  const files = (await delivery?.fetch(folder)) ?? []
  return await Promise.all(files.map(async ({ name, path }) => [name, await readFile(path, 'utf8')]))
}

const focus = 'exports/daily'
/** An export that overwrites its files. */
const overwriting: Customer = {
  exports: [{ name: 'daily' }],
  objects: {
    [`${focus}/metadata/BILLING_PERIOD=2026-11/daily-Manifest.json`]: manifest(
      `${focus}/data/BILLING_PERIOD=2026-11/daily-00001.csv.gz`,
      `${focus}/data/BILLING_PERIOD=2026-11/daily-00002.csv.gz`,
    ),
    [`${focus}/metadata/BILLING_PERIOD=2026-11/daily-Metadata.json`]: stored('{}'),
    [`${focus}/metadata/BILLING_PERIOD=2026-10/daily-Manifest.json`]: manifest(
      `${focus}/data/BILLING_PERIOD=2026-10/daily-00001.csv.gz`,
    ),
    [`${focus}/data/BILLING_PERIOD=2026-11/daily-00001.csv.gz`]: stored('one', '2026-11-19T23:59:00Z'),
    [`${focus}/data/BILLING_PERIOD=2026-11/daily-00002.csv.gz`]: stored('two', '2026-11-19T23:59:00Z'),
    [`${focus}/data/BILLING_PERIOD=2026-10/daily-00001.csv.gz`]: stored('october', '2026-11-19T23:59:00Z'),
    [`${focus}/data/BILLING_PERIOD=2026-09/daily-00001.csv.gz`]: stored('not complete yet'),
    'exports/daily-of-others/metadata/BILLING_PERIOD=2026-11/daily-Manifest.json': manifest('x'),
  },
}
const november = `${focus}/metadata/BILLING_PERIOD=2026-11/daily-Manifest.json`

/** The same customer with other objects; undefined removes one. */
function having(
  customer: Customer,
  objects: Record<string, Stored | undefined>,
  more: Partial<Customer> = {},
): Customer {
  const all = Object.entries({ ...customer.objects, ...objects })
  const kept = all.filter((entry): entry is [string, Stored] => entry[1] !== undefined)
  return { ...customer, objects: Object.fromEntries(kept), ...more }
}

describe('an export that overwrites its files', () => {
  test('delivers each complete month, the newest first, with all files of its manifest', async () => {
    const { deliveries, problems, calls } = await collect(overwriting)
    expect(deliveries.map(({ id, period }) => [id, period])).toEqual([
      ['focus-1.2/daily/2026-11', '2026-11'],
      ['focus-1.2/daily/2026-10', '2026-10'],
    ])
    expect(await fetched(deliveries[0])).toEqual([
      [`${focus}/data/BILLING_PERIOD=2026-11/daily-00001.csv.gz`, 'one'],
      [`${focus}/data/BILLING_PERIOD=2026-11/daily-00002.csv.gz`, 'two'],
    ])
    expect(problems).toEqual([])
    expect(calls.filter(({ api }) => api === 's3:GetObject').map(({ bytes }) => bytes)).toEqual([
      overwriting.objects[november]?.body.length,
      3,
      3,
    ])
  })

  test('is looked at without a download', async () => {
    await collect(overwriting)
    expect(server?.asked.map(({ call }) => call)).not.toContain('s3:GetObject')
  })

  test('has another version when it is written again, even with the same manifest', async () => {
    const before = await collect(overwriting)
    await server?.close()
    const again = { ...manifest(), ...overwriting.objects[november], modified: new Date('2026-11-21T00:00:00Z') }
    const after = await collect(having(overwriting, { [november]: again }))
    expect(after.deliveries[0]?.version).not.toBe(before.deliveries[0]?.version)
    expect(after.deliveries[1]?.version).toBe(before.deliveries[1]?.version)
  })

  test('writes lower-case partitions, too', async () => {
    const key = `${focus}/metadata/billing_period=2026-11/daily-Manifest.json`
    const { deliveries } = await collect({ exports: [{ name: 'daily' }], objects: { [key]: manifest('x') } })
    expect(deliveries.map(({ period }) => period)).toEqual(['2026-11'])
  })
})

test('an export that keeps old files delivers the newest execution', async () => {
  const run = (id: string, modified: string): Customer['objects'] => ({
    [`${focus}/metadata/BILLING_PERIOD=2026-11/${id}/daily-Manifest.json`]: {
      ...manifest(`${focus}/data/BILLING_PERIOD=2026-11/${id}/daily-00001.csv.gz`),
      modified: new Date(modified),
    },
    [`${focus}/data/BILLING_PERIOD=2026-11/${id}/daily-00001.csv.gz`]: stored(id, modified),
  })
  const { deliveries } = await collect({
    exports: [{ name: 'daily' }],
    objects: { ...run('b-first', '2026-11-19T00:00:00Z'), ...run('a-second', '2026-11-20T00:00:00Z') },
  })
  expect(deliveries).toHaveLength(1)
  expect(await fetched(deliveries[0])).toEqual([
    [`${focus}/data/BILLING_PERIOD=2026-11/a-second/daily-00001.csv.gz`, 'a-second'],
  ])
})

describe('a legacy report', () => {
  const legacy: Customer = {
    reports: ['none', 'hourly'],
    objects: {
      'cur/hourly/20261101-20261201/hourly-Manifest.json': stored(
        JSON.stringify({ bucket, reportKeys: ['cur/hourly/20261101-20261201/a1/hourly-1.csv.gz'], assemblyId: 'a1' }),
      ),
      'cur/hourly/20261101-20261201/a1/hourly-Manifest.json': stored('{}'),
      'cur/hourly/20261101-20261201/a1/hourly-1.csv.gz': stored('legacy', '2026-11-19T00:00:00Z'),
      'cur/hourly/20250901-20251001/hourly-Manifest.json': stored('{}'),
    },
  }

  test('on any page of reports delivers its latest assembly', async () => {
    const { deliveries } = await collect(legacy)
    expect(deliveries.map(({ id }) => id)).toEqual(['cur-legacy/hourly/2026-11'])
    expect(await fetched(deliveries[0])).toEqual([['cur/hourly/20261101-20261201/a1/hourly-1.csv.gz', 'legacy']])
  })

  test('with files in another bucket is refused', async () => {
    const key = 'cur/hourly/20261101-20261201/hourly-Manifest.json'
    const foreign = stored(
      JSON.stringify({ bucket: 'somebody-else', reportKeys: ['cur/hourly/20261101-20261201/a1/hourly-1.csv.gz'] }),
    )
    const { deliveries } = await collect(having(legacy, { [key]: foreign }))
    await expect(fetched(deliveries[0])).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('outside of s3:'),
    })
  })
})

describe('of several exports', () => {
  const two = (...exports: NonNullable<Customer['exports']>): Customer => ({
    exports,
    reports: ['hourly'],
    objects: {
      'exports/a/metadata/BILLING_PERIOD=2026-11/a-Manifest.json': manifest('x'),
      'exports/a/metadata/BILLING_PERIOD=2026-10/a-Manifest.json': manifest('x'),
      'exports/b/metadata/BILLING_PERIOD=2026-11/b-Manifest.json': manifest('x'),
      'cur/hourly/20260901-20261001/hourly-Manifest.json': manifest('x'),
      'cur/hourly/20261101-20261201/hourly-Manifest.json': manifest('x'),
    },
  })

  test('the best is read, and the others for the months that it lacks', async () => {
    const { deliveries } = await collect(two({ name: 'a', table: 'COST_AND_USAGE_REPORT' }, { name: 'b' }))
    expect(deliveries.map(({ id }) => id)).toEqual([
      'focus-1.2/b/2026-11',
      'cur-2.0/a/2026-10',
      'cur-legacy/hourly/2026-09',
    ])
  })

  test('one that AWS cannot deliver comes last, and is reported', async () => {
    const { deliveries, problems } = await collect(
      two({ name: 'a', table: 'COST_AND_USAGE_REPORT' }, { name: 'b', health: 'UNHEALTHY' }),
    )
    expect(deliveries[0]?.id).toBe('cur-2.0/a/2026-11')
    expect(problems).toEqual([
      { state: 'bill_incomplete', part: 'b', message: expect.stringContaining('cannot deliver') },
    ])
  })

  test('one with a part of the rows is reported instead of read', async () => {
    const where = "WHERE SubAccountId = '1'"
    const { deliveries, problems } = await collect(two({ name: 'a', table: 'FOCUS_1_0_AWS' }, { name: 'b', where }))
    expect(deliveries[0]?.id).toBe('focus-1.0/a/2026-11')
    expect(problems).toEqual([{ state: 'bill_incomplete', part: 'b', message: expect.stringContaining('all rows') }])
  })

  test('those of other tables are not bills', async () => {
    const { deliveries, problems } = await collect({ exports: [{ name: 'a', table: 'CARBON_EMISSIONS' }], objects: {} })
    expect(deliveries).toEqual([])
    expect(problems).toEqual([{ state: 'no_export', part: 'exports', message: expect.stringContaining('FOCUS 1.2') }])
  })

  test('one whose bucket is closed is reported, and the next is read', async () => {
    const { deliveries, problems } = await collect({
      ...two({ name: 'a', table: 'COST_AND_USAGE_REPORT' }, { name: 'b', bucket: 'closed' }),
      override: (asked) => (asked.request.path.startsWith('/closed') ? refusal(asked, 'AccessDenied', 403) : undefined),
    })
    expect(deliveries[0]?.id).toBe('cur-2.0/a/2026-11')
    expect(problems).toEqual([
      { state: 'permission_missing', part: 'b', message: expect.stringContaining('s3:ListBucket') },
    ])
  })

  test.each(['evil.example/x', 'UPPER', '..'])('one in the bucket %j gets no request', async (name) => {
    await collect({ exports: [{ name: 'a', bucket: name }], objects: {} })
    expect(server?.asked.filter(({ call }) => call.startsWith('s3:'))).toEqual([])
  })
})

test('only the last 13 months are delivered', async () => {
  const months = ['2026-11', '2025-11', '2025-10', '2024-01', '2026-12']
  const objects = Object.fromEntries(
    months.map((month) => [`${focus}/metadata/BILLING_PERIOD=${month}/daily-Manifest.json`, manifest('x')]),
  )
  const { deliveries } = await collect({ exports: [{ name: 'daily' }], objects })
  expect(deliveries.map(({ period }) => period)).toEqual(['2026-11', '2025-11'])
})

test('without a permission to list exports it is unknown whether there is one', async () => {
  const { problems } = await collect({
    objects: {},
    override: (asked) =>
      asked.call === 'bcm-data-exports:ListExports' ? refusal(asked, 'AccessDeniedException', 400) : undefined,
  })
  expect(problems).toMatchObject([{ state: 'permission_missing', part: 'bcm-data-exports:exports' }])
})

describe('a delivery', () => {
  const data = `${focus}/data/BILLING_PERIOD=2026-11/daily-00002.csv.gz`

  /** The bucket changes when the first object is read, or when one of these keys is. */
  const changing = (changes: Record<string, Stored>, when = november): Customer => {
    const customer: Customer = { ...overwriting, objects: { ...overwriting.objects } }
    customer.override = ({ call }, key) => {
      if (call === 's3:GetObject' && key === when) Object.assign(customer.objects, changes)
      return undefined
    }
    return customer
  }

  test.each<[string, Customer, RegExp]>([
    ['whose manifest changed since', changing({ [november]: manifest('other') }), /restates/],
    ['whose manifest changes meanwhile', changing({ [november]: manifest('other') }, data), /during its download/],
    ['whose files are being replaced', changing({ [data]: stored('new', '2026-11-20T00:00:01Z') }), /replaces/],
    ['whose file is replaced meanwhile', changing({ [data]: stored('new') }, data), /restates/],
    ['without one of its files', having(overwriting, { [data]: undefined }), /has no exports/],
    ['whose manifest is not JSON', having(overwriting, { [november]: stored('<html>') }), /lists no files/],
    ['whose manifest lists nothing', having(overwriting, { [november]: stored('{"dataFiles":[]}') }), /lists no files/],
    [
      'with a file of another bucket',
      having(overwriting, { [november]: stored('{"dataFiles":["s3://somebody-else/exports/daily/x"]}') }),
      /outside of/,
    ],
    [
      'with a file of another folder',
      having(overwriting, { [november]: manifest('private/salaries.csv') }),
      /outside of/,
    ],
    [
      'with a path out of its folder',
      having(overwriting, { [november]: manifest(`${focus}/../../private/salaries.csv`) }),
      /outside of/,
    ],
  ])('%s is a conflict, and the next look finds it again', async (_, customer, message) => {
    const { deliveries } = await collect(customer)
    await expect(fetched(deliveries[0])).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(message),
    })
    const read = server?.asked.filter(({ call }) => call === 's3:GetObject').map(({ request }) => request.path)
    expect(read?.join()).not.toMatch(/private|somebody-else/)
  })

  test('with a cut connection is fetched again', async () => {
    let cuts = 0
    const { deliveries } = await collect({
      ...overwriting,
      override: (asked, key) =>
        asked.call === 's3:GetObject' && key === data && cuts++ < 2
          ? wire({ body: Buffer.from('two'), isCut: true })
          : undefined,
    })
    expect((await fetched(deliveries[0])).map(([, text]) => text)).toEqual(['one', 'two'])
    expect(cuts).toBe(3)
  })

  test('that is always cut fails, and leaves no short file as a whole one', async () => {
    const { deliveries } = await collect({
      ...overwriting,
      override: (asked, key) =>
        asked.call === 's3:GetObject' && key === data ? wire({ body: Buffer.from('two'), isCut: true }) : undefined,
    })
    await expect(fetched(deliveries[0])).rejects.toMatchObject({ code: 'unavailable' })
    expect(server?.asked.filter(({ request }) => basename(request.path) === basename(data))).toHaveLength(4)
  })

  test('with fewer bytes than listed fails', async () => {
    const { deliveries } = await collect({
      ...overwriting,
      override: (asked, key) =>
        asked.call === 's3:GetObject' && key === data ? wire({ body: Buffer.from('tw') }) : undefined,
    })
    await expect(fetched(deliveries[0])).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('that is throttled waits for the seconds of the answer', async () => {
    const { deliveries } = await collect({
      ...overwriting,
      override: (asked) =>
        asked.call === 's3:GetObject'
          ? wire({ status: 503, headers: { 'retry-after': '1' }, body: '<Error><Code>SlowDown</Code></Error>' })
          : undefined,
    })
    await expect(fetched(deliveries[0])).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 })
  })
})

test('no month and no file is lost or delivered twice, whatever fails on the way', async () => {
  const months = fc.uniqueArray(fc.constantFrom('2026-11', '2026-10', '2026-09', '2026-08', '2026-07'), {
    minLength: 1,
  })
  const counts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 5 })
  const faults = fc.array(fc.constantFrom('none', 'none', 'error', 'cut'), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(months, counts, faults, async (delivered, files, planned) => {
      const failing = [...planned]
      const keysOf = (month: string) =>
        Array.from({ length: files[Number(month.slice(5)) - 7] ?? 1 }, (_, index) => `${focus}/data/${month}/${index}`)
      const objects: Customer['objects'] = {}
      for (const month of delivered) {
        objects[`${focus}/metadata/BILLING_PERIOD=${month}/daily-Manifest.json`] = manifest(...keysOf(month))
        for (const key of keysOf(month)) objects[key] = stored(key)
      }
      let inARow = 0
      const { deliveries } = await collect({
        exports: [{ name: 'daily' }],
        objects,
        override: (asked, key) => {
          const fault = asked.call.startsWith('s3:') ? failing.shift() : undefined
          const object = objects[key]
          inARow = fault === 'error' || fault === 'cut' ? inARow + 1 : 0
          if (inARow > 3) return undefined
          if (fault === 'cut' && object) return wire({ body: object.body, isCut: true })
          return fault === 'error' ? refusal(asked, 'InternalError', 500) : undefined
        },
      })
      expect(deliveries.map(({ period }) => period)).toEqual(delivered.toSorted().reverse())
      for (const delivery of deliveries) {
        const found = await fetched(delivery)
        expect(found).toEqual(keysOf(delivery.period).map((key) => [key, key]))
      }
      await server?.close()
    }),
    { numRuns: 10 },
  )
})
