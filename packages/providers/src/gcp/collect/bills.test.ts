import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { BillDelivery } from '@cloudoptima/core'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { outcomeOf } from '../../testing/printed.ts'
import { within } from '../big-query.ts'
import { type Answers, collectFrom, type Column, denial, pagesOf, projectId } from './testing.ts'

let folder = ''
let close: () => Promise<void> = async () => undefined
afterEach(async () => {
  await close()
  close = async () => undefined
  if (folder) await rm(folder, { recursive: true, force: true })
  folder = ''
})

const account = '0123AB_CDEF01_234567'
const detailed = `gcp_billing_export_resource_v1_${account}`
const standard = `gcp_billing_export_v1_${account}`

const native: Column[] = [
  { name: 'billing_account_id' },
  { name: 'usage_start_time', type: 'TIMESTAMP' },
  { name: 'export_time', type: 'TIMESTAMP' },
  { name: 'service', type: 'RECORD', fields: [{ name: 'description' }] },
  {
    name: 'project',
    type: 'RECORD',
    fields: [{ name: 'id' }, { name: 'ancestors', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'x' }] }],
  },
  { name: 'cost', type: 'FLOAT' },
  { name: 'currency' },
  { name: 'credits', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'name' }, { name: 'amount', type: 'FLOAT' }] },
  { name: 'invoice', type: 'RECORD', fields: [{ name: 'month' }] },
  { name: 'system_labels', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'key' }] },
]
const focus: Column[] = [
  'BilledCost',
  'EffectiveCost',
  'BillingAccountId',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargeCategory',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ProviderName',
].map((name) => ({ name }))

interface Month {
  month: string
  rows: Record<string, unknown>[]
  /** Microseconds. */
  exported?: string
  begins?: string
  accounts?: string[]
  lastPartition?: string
}

interface Fake {
  tables: Record<string, { columns?: Column[]; months: Month[]; partition?: object; size?: number; described?: object }>
  /** Before any other answer. */
  first?: Answers
}

const october = {
  month: '2024-10',
  rows: [{ cost: '1.10' }, { cost: '2.000000000000000002', credits: [{ name: 'CUD', amount: '-0.25' }] }],
}

/** A fake BigQuery with one dataset. */
function bigQuery({ tables, first }: Fake): Answers {
  const jobs = new Map<string, (token: string | null) => object>()
  return (request) => {
    const answer = first?.(request)
    if (answer || !request.path.startsWith('/bigquery/')) return answer
    const path = request.path.slice(`/bigquery/v2/projects/${projectId}/`.length)
    if (path === 'datasets')
      return { body: { datasets: [{ datasetReference: { datasetId: 'billing' }, location: 'EU' }] } }
    if (path === 'datasets/billing/tables')
      return { body: { tables: Object.keys(tables).map((tableId) => ({ tableReference: { tableId } })) } }
    const table = tables[path.slice('datasets/billing/tables/'.length)]
    if (table)
      return {
        body: {
          schema: { fields: table.columns ?? native },
          timePartitioning: table.partition ?? { type: 'DAY' },
          ...table.described,
        },
      }
    const [kind, job = ''] = path.split('/')
    if (kind === 'queries') {
      const answered = jobs.get(job)?.(request.query.get('pageToken'))
      return request.query.get('location') === 'EU' && answered ? { body: answered } : denial(404, 'notFound')
    }
    if (request.method === 'GET') return { body: { statistics: { query: { totalBytesBilled: '20000000' } } } }
    const { jobReference } = JSON.parse(request.body) as Asked
    if (jobs.has(jobReference.jobId)) return denial(409, 'duplicate')
    jobs.set(jobReference.jobId, answersTo(tables, request))
    return { body: { jobReference, status: { state: 'RUNNING' } } }
  }
}

interface Asked {
  jobReference: { jobId: string; location: string }
  configuration: {
    query: {
      query: string
      maximumBytesBilled: string
      queryParameters: { name: string; parameterValue: { value: string } }[]
    }
  }
}

const askedBy = ({ body }: ReceivedRequest) => (JSON.parse(body) as Asked).configuration.query

function answersTo(tables: Fake['tables'], request: ReceivedRequest): (token: string | null) => object {
  const { query, queryParameters } = askedBy(request)
  const name = /`[\w-]+\.billing\.(\w+)`/.exec(query)?.[1] ?? ''
  const { months, size } = tables[name] ?? { months: [] }
  if (query.includes('GROUP BY month'))
    return pagesOf(
      [
        { name: 'month' },
        { name: 'accounts', mode: name.includes('focus') ? 'REPEATED' : '' },
        { name: 'row_count' },
        { name: 'exported', type: 'TIMESTAMP' },
        { name: 'begins', type: 'TIMESTAMP' },
        { name: 'first_partition' },
        { name: 'last_partition' },
      ],
      months.map(
        ({
          month,
          rows,
          exported = '1727900000000000',
          begins = '1727740800000000',
          accounts = [],
          lastPartition = '2024-10-03',
        }) => ({
          month,
          accounts: name.includes('focus') ? accounts : null,
          row_count: rows.length,
          exported,
          begins,
          first_partition: '2024-10-01',
          last_partition: lastPartition,
        }),
      ),
    )
  const wanted = queryParameters.find((parameter) => parameter.name === 'month')?.parameterValue.value
  const found = months.find(({ month }) => month === wanted)
  return pagesOf(
    [
      { name: 'cost', type: 'FLOAT' },
      { name: 'credits', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'name' }, { name: 'amount' }] },
      { name: 'usage_start_time', type: 'TIMESTAMP' },
      { name: 'x_exported', type: 'TIMESTAMP' },
    ],
    (found?.rows ?? []).map((row) => ({
      credits: [],
      usage_start_time: '1727740800000001',
      x_exported: found?.exported ?? '1727900000000000',
      ...row,
    })),
    size,
  )
}

async function collect(answers: Answers, options?: Parameters<typeof collectFrom>[1]) {
  const given = await collectFrom(answers, options)
  close = given.google.close
  const deliveries = async () => await Array.fromAsync(given.gcp.bills(given.access))
  return { ...given, deliveries }
}

async function fetched(delivery: BillDelivery | undefined): Promise<unknown[]> {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-gcp-'))
  const [file] = (await delivery?.fetch(folder)) ?? []
  const text = await readFile(file?.path ?? '', 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)
}

const months = (deliveries: BillDelivery[]) => deliveries.map(({ id }) => id)

describe('the export of a billing account', () => {
  test('is read month by month, the newest first, of the last 13 months', async () => {
    const { deliveries, problems } = await collect(
      bigQuery({
        tables: {
          [detailed]: { months: [{ ...october, month: '2023-09' }, { ...october, month: '2024-09' }, october] },
        },
      }),
    )
    expect(months(await deliveries())).toEqual([`billing.${detailed}/2024-10`, `billing.${detailed}/2024-09`])
    expect(problems).toEqual([])
  })

  test('is written as JSON lines with every digit', async () => {
    const { deliveries } = await collect(bigQuery({ tables: { [detailed]: { months: [october], size: 1 } } }))
    expect(await fetched((await deliveries())[0])).toEqual([
      { cost: '1.10', credits: [], usage_start_time: '2024-10-01T00:00:00.000001Z' },
      {
        cost: '2.000000000000000002',
        credits: [{ name: 'CUD', amount: '-0.25' }],
        usage_start_time: '2024-10-01T00:00:00.000001Z',
      },
    ])
  })

  test('has a version that changes with each new row, and with nothing else', async () => {
    const versionOf = async (month: Month) => {
      const { deliveries, google } = await collect(bigQuery({ tables: { [detailed]: { months: [month] } } }))
      const [delivery] = await deliveries()
      await google.close()
      return delivery?.version
    }
    const version = await versionOf(october)
    expect(await versionOf(october)).toBe(version)
    expect(await versionOf({ ...october, rows: [...october.rows, {}] })).not.toBe(version)
    expect(await versionOf({ ...october, exported: '1727900000000001' })).not.toBe(version)
  })

  test('is asked for the columns that are read, within its partitions, at a limited price', async () => {
    const { deliveries, google, calls } = await collect(bigQuery({ tables: { [detailed]: { months: [october] } } }))
    await fetched((await deliveries())[0])
    const asked = google.seen.filter(({ path, method }) => method === 'POST' && path.endsWith('/jobs')).map(askedBy)
    expect(asked).toHaveLength(2)
    expect(asked[0]?.query).toContain('_PARTITIONTIME >= TIMESTAMP(@since)')
    expect(asked[1]?.query).toContain('_PARTITIONTIME >= TIMESTAMP(@low) AND _PARTITIONTIME < TIMESTAMP(@end)')
    expect(asked[1]?.query).toContain('service.description AS service_description')
    expect(asked[1]?.query).not.toMatch(/system_labels|ancestors|SELECT \*/)
    for (const { maximumBytesBilled } of asked) expect(Number(maximumBytesBilled)).toBeGreaterThan(0)
    // 20 MB twice, at 6.25 USD for a TiB.
    expect(calls.filter(({ api }) => api === 'bigquery.bytesBilled')).toEqual([
      { api: 'bigquery.bytesBilled', bytes: 20_000_000, price: '0.00011368683772161603' },
      { api: 'bigquery.bytesBilled', bytes: 20_000_000, price: '0.00011368683772161603' },
    ])
    const made = google.seen.length
    expect(calls.filter(({ api }) => api !== 'bigquery.bytesBilled')).toHaveLength(made)
  })

  test('is read a week of partitions at a time, because an answer has at most 10 GB', async () => {
    const { deliveries, google } = await collect(
      bigQuery({ tables: { [detailed]: { months: [{ ...october, lastPartition: '2024-10-16', rows: [] }] } } }),
    )
    await expect(fetched((await deliveries())[0])).rejects.toMatchObject({ code: 'conflict' })
    const bounds = google.seen.flatMap((request) => {
      if (!request.path.endsWith('/jobs')) return []
      const { queryParameters } = askedBy(request)
      const valueOf = (wanted: string) => queryParameters.find(({ name }) => name === wanted)?.parameterValue.value
      return valueOf('low') === undefined ? [] : [`${valueOf('low')} ${valueOf('end')}`]
    })
    expect(bounds).toEqual(['2024-10-01 2024-10-08', '2024-10-08 2024-10-15', '2024-10-15 2024-10-17'])
  })

  test('that is partitioned by another column is read without bounds', async () => {
    const { deliveries, google } = await collect(
      bigQuery({
        tables: { [detailed]: { months: [october], partition: { type: 'DAY', field: 'usage_start_time' } } },
      }),
    )
    await fetched((await deliveries())[0])
    expect(google.seen.map(({ body }) => body).join()).not.toMatch(/@low|@since/)
  })

  test.each([
    ['a row more', { rows: [...october.rows, {}] }],
    ['a later export', { exported: '1727900000000009' }],
  ])('that changes between its description and its rows (%s) is a conflict', async (_, change) => {
    const tables = { [detailed]: { months: [october as Month] } }
    const { deliveries } = await collect(bigQuery({ tables }))
    const [delivery] = await deliveries()
    tables[detailed] = { months: [{ ...october, ...change }] }
    await expect(fetched(delivery)).rejects.toMatchObject({ name: 'Fault', code: 'conflict' })
  })
})

describe('an export that was looked at before', () => {
  /** An export that is looked at by one process, with the number of queries of each look. */
  async function looked(described: object, options: { exported?: string } = {}) {
    let now = Date.parse('2024-10-03T12:00:00Z')
    const table = { months: [{ ...october, ...options }], described }
    const { google, deliveries, access } = await collect(bigQuery({ tables: { [detailed]: table } }))
    access.now = () => new Date(now)
    const queries = () => google.seen.filter(({ path, method }) => method === 'POST' && path.endsWith('/jobs')).length
    const look = async (minutes = 5) => {
      const before = queries()
      now += minutes * 60_000
      const found = await deliveries()
      return { found, queries: queries() - before }
    }
    return { table, look }
  }
  const table = { type: 'TABLE', lastModifiedTime: '1727900000000' }

  test('is not asked again until the table is modified, and has the same deliveries', async () => {
    const given = await looked(table)
    const first = await given.look()
    expect(first.queries).toBe(1)
    const second = await given.look(24 * 60)
    expect(second.queries).toBe(0)
    expect(second.found.map(({ id, version }) => [id, version])).toEqual(
      first.found.map(({ id, version }) => [id, version]),
    )
    given.table.described = { ...table, lastModifiedTime: '1727900000001' }
    expect((await given.look()).queries).toBe(1)
  })

  test('is asked again in a new month', async () => {
    const given = await looked(table)
    await given.look()
    expect((await given.look(40 * 24 * 60)).queries).toBe(1)
  })

  test.each([
    ['a view', { type: 'VIEW', lastModifiedTime: '1727900000000' }],
    ['a table with streamed rows', { ...table, streamingBuffer: { estimatedRows: '1' } }],
  ])('is asked at most hourly if it is %s', async (_, described) => {
    const given = await looked(described)
    const asked = []
    for (let n = 0; n < 14; n++) asked.push((await given.look()).queries)
    expect(asked).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
  })

  test('is asked again if its rows were not those of the look', async () => {
    const given = await looked({ type: 'VIEW' })
    const { found } = await given.look()
    given.table.months = [{ ...october, rows: [...october.rows, { cost: '1' }] }]
    await expect(fetched(found[0])).rejects.toMatchObject({ code: 'conflict' })
    const next = await given.look()
    expect(next.queries).toBe(1)
    expect(await fetched(next.found[0])).toHaveLength(3)
  })
})

describe('of several exports', () => {
  const account2 = '999999_999999_999999'

  test('the detailed one is read, and each billing account once', async () => {
    const { deliveries } = await collect(
      bigQuery({
        tables: {
          [standard]: { months: [october, { ...october, month: '2024-09' }] },
          [detailed]: { months: [october] },
          [`gcp_billing_export_v1_${account2}`]: { months: [october] },
          cloud_pricing_export: { months: [] },
        },
      }),
    )
    expect(months(await deliveries())).toEqual([
      `billing.${detailed}/2024-10`,
      `billing.gcp_billing_export_v1_${account2}/2024-10`,
      `billing.${standard}/2024-09`,
    ])
  })

  test('one that was enabled in the middle of the month has less of it', async () => {
    const late = { ...october, begins: '1728500000000000' }
    const { deliveries } = await collect(
      bigQuery({ tables: { [standard]: { months: [october] }, [detailed]: { months: [late] } } }),
    )
    expect(months(await deliveries())).toEqual([`billing.${standard}/2024-10`])
  })

  test('a view of FOCUS comes first for its billing accounts', async () => {
    const { deliveries } = await collect(
      bigQuery({
        tables: {
          [detailed]: { months: [october] },
          [`gcp_billing_export_v1_${account2}`]: { months: [october] },
          focus_v1_0: { columns: focus, months: [{ ...october, accounts: [account.replaceAll('_', '-')] }] },
          focus_notes: { months: [october] },
        },
      }),
    )
    expect(months(await deliveries())).toEqual([
      'billing.focus_v1_0/2024-10',
      `billing.gcp_billing_export_v1_${account2}/2024-10`,
    ])
  })

  test('none is a problem with advice', async () => {
    const { deliveries, problems } = await collect(bigQuery({ tables: { cloud_pricing_export: { months: [] } } }))
    expect(await deliveries()).toEqual([])
    expect(problems).toEqual([
      { state: 'no_export', part: 'bigquery', message: expect.stringMatching(/enable the detailed usage cost export/) },
    ])
  })
})

describe('Google Cloud in trouble', () => {
  const once = (match: string, reply: Reply): Answers => {
    let left = 2
    return ({ path }) => (path.includes(match) && left-- > 0 ? reply : undefined)
  }

  test.each([
    ['503', { status: 503 }],
    ['429', denial(429, 'rateLimitExceeded')],
    ['403 of a quota', denial(403, 'rateLimitExceeded')],
    ['a cut connection', { body: { jobComplete: true }, isCut: true }],
  ])('%s passes, and no row is lost or read twice', async (_, reply) => {
    const { deliveries } = await collect(
      bigQuery({ tables: { [detailed]: { months: [october], size: 1 } }, first: once('/queries/', reply) }),
    )
    expect(await fetched((await deliveries())[0])).toHaveLength(2)
  })

  test('a limit that stays is rate_limited, with the seconds to wait', async () => {
    let isLimited = false
    const { deliveries } = await collect(
      bigQuery({
        tables: { [detailed]: { months: [october], size: 1 } },
        first: ({ path }) =>
          isLimited && path.includes('/queries/')
            ? { ...denial(429, 'x'), headers: { 'retry-after': '17' } }
            : undefined,
      }),
    )
    const [delivery] = await deliveries()
    isLimited = true
    await expect(fetched(delivery)).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 17 })
  })

  test('a table that may not be read is named, and the others are read', async () => {
    const { deliveries, problems } = await collect(
      bigQuery({
        tables: { [detailed]: { months: [october] }, [standard]: { months: [october] } },
        first: ({ path }) => (path.endsWith(detailed) ? denial(403, 'accessDenied') : undefined),
      }),
    )
    expect(months(await deliveries())).toEqual([`billing.${standard}/2024-10`])
    expect(problems).toMatchObject([{ state: 'permission_missing', part: `billing.${detailed}` }])
  })

  const failedJob = (reason: string): Reply => ({
    body: { jobReference: {}, status: { state: 'DONE', errors: [{ reason, message: 'canary' }] } },
  })

  test.each([
    ['/jobs', denial(400, 'bytesBilledLimitExceeded'), 'unavailable', /bytesBilledLimitExceeded/],
    ['/jobs', failedJob('bytesBilledLimitExceeded'), 'unavailable', /bytesBilledLimitExceeded/],
    ['/queries/', denial(400, 'bytesBilledLimitExceeded'), 'unavailable', /bytesBilledLimitExceeded/],
    ['/jobs', failedJob('accessDenied'), 'permission_missing', /may not read bigquery/],
  ])('a query that %s refuses is named, and not repeated', async (called, reply, state, message) => {
    const { deliveries, problems, google } = await collect(
      bigQuery({
        tables: { [detailed]: { months: [october] } },
        first: ({ path }) => (path.includes(called) ? reply : undefined),
      }),
    )
    expect(await deliveries()).toEqual([])
    expect(problems).toEqual([{ part: `billing.${detailed}`, state, message: expect.stringMatching(message) }])
    expect(google.seen.filter(({ path }) => path.includes(called))).toHaveLength(1)
  })

  test('a query whose answer is lost is asked again, and is one job', async () => {
    const isLost: Answers = bigQuery({ tables: { [detailed]: { months: [october] } } })
    const jobs = new Set<string>()
    const { deliveries, google } = await collect((request) => {
      const reply = isLost(request)
      if (request.method !== 'POST' || !request.path.endsWith('/jobs')) return reply
      const { jobId } = (JSON.parse(request.body) as Asked).jobReference
      const isFirst = !jobs.has(jobId)
      jobs.add(jobId)
      return isFirst && reply ? { ...reply, isCut: true } : reply
    })
    expect(await fetched((await deliveries())[0])).toHaveLength(2)
    expect(jobs.size).toBe(2)
    expect(google.seen.filter(({ path }) => path.endsWith('/jobs'))).toHaveLength(4)
  })

  test.each<[string, string, Reply]>([
    ['a page of a proxy', '/jobs', { body: '<html>OK</html>' }],
    ['a job without a state', '/jobs', { body: {} }],
    ['a number', '/jobs', { body: '1' }],
    ['a redirect to the same host', '/jobs', { status: 302, headers: { location: '/elsewhere' } }],
    ['a redirect that keeps the method', '/queries/', { status: 307, headers: { location: '/elsewhere' } }],
    ['a page instead of rows', '/queries/', { body: '<html>OK</html>' }],
    ['a page instead of datasets', '/datasets', { body: '<html>OK</html>' }],
  ])('%s instead of an answer is asked again, and followed nowhere', async (_, called, reply) => {
    const rejections: unknown[] = []
    const onRejection = (error: unknown) => void rejections.push(error)
    process.on('unhandledRejection', onRejection)
    try {
      const { deliveries, google } = await collect(
        bigQuery({ tables: { [detailed]: { months: [october] } }, first: once(called, reply) }),
      )
      expect(await fetched((await deliveries())[0])).toHaveLength(2)
      expect(google.seen.map(({ path }) => path)).not.toContain('/elsewhere')
      await new Promise((turn) => setImmediate(turn))
      expect(rejections).toEqual([])
    } finally {
      process.off('unhandledRejection', onRejection)
    }
  })

  test('a query that still runs is waited for', async () => {
    const { deliveries } = await collect(
      bigQuery({
        tables: { [detailed]: { months: [october] } },
        first: once('/queries/', { body: { jobComplete: false } }),
      }),
    )
    expect(await fetched((await deliveries())[0])).toHaveLength(2)
  })

  test('a call without an answer ends with the collection, or after its time', async () => {
    const never = async () => await new Promise<never>(() => undefined)
    await expect(within(5, never)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(within(60_000, never, AbortSignal.timeout(5))).rejects.toThrow(/abort/)
  })

  test('refused credentials end the collection', async () => {
    const { deliveries } = await collect(({ path }) =>
      path.startsWith('/bigquery/') ? denial(401, 'authError') : undefined,
    )
    await expect(deliveries()).rejects.toMatchObject({ name: 'Fault', code: 'forbidden' })
  })

  test('an end of the collection is not retried', async () => {
    const { deliveries, google } = await collect(bigQuery({ tables: {} }), {
      signal: AbortSignal.abort(new Error('ended')),
    })
    await expect(deliveries()).rejects.toThrow(/ended/)
    expect(google.seen.filter(({ path }) => path !== '/token')).toEqual([])
  })

  test.each([500, 403, 400])('no secret is in the outcome of %s', async (status) => {
    const { deliveries, problems } = await collect(({ path }) =>
      path.startsWith('/bigquery/') ? denial(status, 'canary') : undefined,
    )
    const { text, printed } = await outcomeOf(deliveries)
    for (const shown of [text, printed, JSON.stringify(problems)])
      expect(shown).not.toMatch(/canary|token-of-google|PRIVATE/)
  })

  test('under any faults and any pages, each row is read once', async () => {
    const fault = fc.constantFrom<Reply[]>({ status: 502 }, denial(429, 'x'), { body: { rows: [] }, isCut: true })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.option(fault, { nil: undefined, freq: 3 }), { maxLength: 8 }),
        async (size, count, faults) => {
          const rows = Array.from({ length: count }, (_, index) => ({ cost: String(index) }))
          const pending = [...faults]
          let inRow = 0
          const first: Answers = ({ path }) => {
            const reply = path.startsWith('/bigquery/') && inRow < 3 ? pending.shift() : undefined
            inRow = reply ? inRow + 1 : 0
            return reply
          }
          const given = await collectFrom(
            bigQuery({ tables: { [detailed]: { months: [{ ...october, rows }], size } }, first }),
          )
          const [delivery] = await Array.fromAsync(given.gcp.bills(given.access))
          const read = (await fetched(delivery)) as { cost: string }[]
          await given.google.close()
          expect(read.map(({ cost }) => Number(cost)).toSorted((a, b) => a - b)).toEqual(rows.map((_, index) => index))
        },
      ),
      { numRuns: 12 },
    )
  })
})
