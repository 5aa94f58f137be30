import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fault, Money, type Normalized } from '@cloudoptima/core'
import { literal, open, rows } from './database.ts'
import { normalize } from './normalize.ts'
import { columns, csv } from './testing.ts'

let folder: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-lake-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

async function bring(files: Record<string, string | Buffer>): Promise<Normalized> {
  const workDir = join(folder, String(count++))
  const sources = Object.keys(files).map((name) => ({ name, path: join(folder, `${count}-${name}`) }))
  for (const { name, path } of sources) await writeFile(path, files[name] ?? '')
  return await normalize(sources, { workDir, snapshotId: 'imp_test', memoryLimit: '500MB' })
}

async function refusalOf(files: Record<string, string | Buffer>): Promise<string> {
  try {
    await bring(files)
  } catch (error) {
    if (error instanceof Fault) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

describe('a bill is refused as a whole, with file, line, column and reason', () => {
  const broken: [string, string | Buffer, RegExp][] = [
    ['an empty file', '', /^bill\.csv: .*empty/],
    ['a header without rows', csv([]), /^bill\.csv: .*no rows/],
    ['columns of no known bill', 'a,b\n1,2\n', /^bill\.csv: .*columns.*FOCUS 1\.0 to 1\.4.*AWS.*Azure/],
    [
      'a missing mandatory column',
      csv(
        [{}],
        columns.filter((name) => name !== 'BilledCost'),
      ),
      /^bill\.csv: .*FOCUS 1\.0.*BilledCost/,
    ],
    [
      'a cost that is a word',
      csv([{}, { ServiceName: 'two\nlines' }, { BilledCost: 'free' }]),
      /^bill\.csv: line 5, column BilledCost: "free"/,
    ],
    ['an unknown cost', csv([{}, { EffectiveCost: 'NaN' }]), /^bill\.csv: line 3, column EffectiveCost: .*missing/],
    ['a cost that overflows', csv([{ BilledCost: '1'.repeat(30) }]), /^bill\.csv: line 2, column BilledCost: "1{30}"/],
    ['a decimal comma', csv([{ BilledCost: '1.234,56' }]), /^bill\.csv: line 2, column BilledCost: "1\.234,56"/],
    [
      'a missing mandatory value',
      csv([{}, { BillingAccountId: '' }]),
      /^bill\.csv: line 3, column BillingAccountId: .*missing/,
    ],
    ['a missing cost', csv([{}, { BilledCost: 'NULL' }]), /^bill\.csv: line 3, column BilledCost: .*missing/],
    [
      'an invalid date',
      csv([{}, {}, { ChargePeriodStart: 'yesterday' }]),
      /^bill\.csv: line 4, column ChargePeriodStart: "yesterday"/,
    ],
    [
      'an invalid billing period',
      csv([{ BillingPeriodStart: '2024-13-01T00:00:00Z' }]),
      /^bill\.csv: line 2, column BillingPeriodStart: "2024-13-01T00:00:00Z"/,
    ],
    [
      'a row after its billing period',
      csv([{}, { ChargePeriodStart: '2024-11-05T00:00:00Z', ChargePeriodEnd: '2024-11-06T00:00:00Z' }]),
      /^bill\.csv: line 3, column ChargePeriodStart: .*after its billing period/,
    ],
    [
      'a row years before its billing period',
      csv([{ ChargePeriodStart: '1999-01-01T00:00:00Z', ChargePeriodEnd: '1999-01-02T00:00:00Z' }]),
      /^bill\.csv: line 2, column ChargePeriodStart: .*before its billing period/,
    ],
    [
      'a billing period that ends before it begins',
      csv([{ BillingPeriodEnd: '2024-08-01T00:00:00Z' }]),
      /^bill\.csv: line 2, column BillingPeriodEnd: .*before it begins/,
    ],
    [
      'a billing period of less than a week',
      csv([{ BillingPeriodEnd: '2024-09-02T00:00:00Z' }]),
      /^bill\.csv: line 2, column BillingPeriodEnd: .*week/,
    ],
    [
      'an account name that the lake cannot keep',
      csv([{}, { BillingAccountId: '1'.repeat(300) }]),
      /^bill\.csv: line 3, column BillingAccountId: .*200 bytes/,
    ],
    ...['.', '..'].flatMap((name): [string, string, RegExp][] => [
      [
        `an account named ${name}`,
        csv([{}, { BillingAccountId: name }]),
        /^bill\.csv: line 3, column BillingAccountId: .*folder/,
      ],
      [
        `a provider named ${name}`,
        csv([{}, {}, { ProviderName: name }]),
        /^bill\.csv: line 4, column ServiceProviderName: .*folder/,
      ],
    ]),
    ['too few fields', `${csv([{}])}1,2\n`, /^bill\.csv: line 3: 2 .*16/],
    ['too many fields', `${csv([{}])}${'1,'.repeat(20)}1\n`, /^bill\.csv: line 3: 21 fields .*16/],
    [
      'text that is not UTF-8',
      Buffer.concat([
        Buffer.from(csv([{}])),
        Buffer.from(
          csv([{ ServiceName: 'x' }])
            .split('\n')[1]
            ?.replace('x', '\xff\xfe') ?? '',
          'latin1',
        ),
      ]),
      /^bill\.csv: line 3: .*UTF-8/,
    ],
  ]
  it.each(broken)('%s', async (_, content, message) => {
    expect(await refusalOf({ 'bill.csv': content })).toMatch(new RegExp(`^invalid: ${message.source.slice(1)}`))
  })

  it('a quote that is never closed', async () => {
    expect(await refusalOf({ 'bill.csv': `${csv([{}])}"1.5,2\n` })).toMatch(
      /^invalid: bill\.csv: (line \d: )?(.*quote|1 .*16)/,
    )
  })

  it('a file that is only named .parquet', async () => {
    expect(await refusalOf({ 'bill.parquet': 'not parquet' })).toMatch(/^invalid: bill\.parquet: .*\.parquet/)
    expect(await refusalOf({ 'bill.parquet': `PAR1${'x'.repeat(100)}` })).toMatch(/^invalid: bill\.parquet: .*Parquet/)
  })

  it('a Parquet file that unpacks to more than any bill', async () => {
    const database = await open({ tempDir: folder, memoryLimit: '500MB' })
    const path = join(folder, 'bomb.parquet')
    await database.connection.run(
      `COPY (SELECT repeat('0', 1_000_000) || range AS Tags FROM range(80)) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    database.close()
    expect(await refusalOf({ 'bill.parquet': await readFile(path) })).toMatch(
      /^invalid: bill\.parquet: .*\d+ KiB .*64 MiB/,
    )
  })

  it('when one file of several is broken', async () => {
    expect(await refusalOf({ 'a.csv': csv([{}]), 'b.csv': csv([{ BilledCost: 'x' }]) })).toMatch(
      /^invalid: b\.csv: line 2, column BilledCost: "x"/,
    )
  })
})

describe('unusual but valid values are kept', () => {
  it('purchases that begin later and corrections of old charges', async () => {
    const { partitions } = await bring({
      'bill.csv': csv([
        {
          ChargeCategory: 'Purchase',
          ChargePeriodStart: '2024-12-01T00:00:00Z',
          ChargePeriodEnd: '2025-12-01T00:00:00Z',
        },
        {
          ChargeClass: 'Correction',
          BilledCost: '-7.25',
          ChargePeriodStart: '2022-01-01T00:00:00Z',
          ChargePeriodEnd: '2022-01-02T00:00:00Z',
        },
      ]),
    })
    expect(partitions).toMatchObject([{ rows: 2, billingAccountId: '0012345678901', totals: [{ billed: '-5.75' }] }])
  })

  it('amounts that a spreadsheet saved', async () => {
    const { partitions } = await bring({
      'bill.csv': csv([
        { BilledCost: '$10,000.00 ', BillingPeriodStart: '9/1/24', BillingPeriodEnd: '10/1/24' },
        { BilledCost: '-$0.01' },
      ]),
    })
    expect(partitions).toMatchObject([{ period: '2024-09', totals: [{ billed: '9999.99' }] }])
  })

  it('NULL is not 0: without list prices there is no list total', async () => {
    const { partitions } = await bring({ 'bill.csv': csv([{ ListCost: '', ContractedCost: 'NULL' }]) })
    expect(partitions[0]?.totals).toEqual([
      { currency: 'USD', billed: '1.5', effective: '1.5', list: null, contracted: null },
    ])
  })

  it('a byte order mark, semicolons and gzip', async () => {
    const text = csv([{}])
    for (const content of [`\uFEFF${text}`, gzipSync(text), text.replaceAll(',', ';')]) {
      expect((await bring({ 'bill.csv': content })).partitions).toMatchObject([
        { rows: 1, totals: [{ billed: '1.5' }] },
      ])
    }
  })

  it('several gzip members are one file', async () => {
    const [header = '', line = ''] = csv([{}]).split('\n')
    const content = Buffer.concat([gzipSync(`${header}\n${line}\n`), gzipSync(`${line}\n`)])
    expect((await bring({ 'bill.csv.gz': content })).partitions).toMatchObject([{ rows: 2, totals: [{ billed: '3' }] }])
  })

  it('Parquet with binary floats, by their shortest text', async () => {
    const path = join(folder, 'float.parquet')
    const database = await open({ tempDir: folder, memoryLimit: '500MB' })
    await writeFile(join(folder, 'float.csv'), csv([{ BilledCost: '0.1' }, { BilledCost: '0.2' }]))
    await database.connection.run(
      `COPY (SELECT * REPLACE (CAST(BilledCost AS DOUBLE) AS BilledCost) FROM read_csv('${join(folder, 'float.csv')}', all_varchar = true)) TO '${path}' (FORMAT parquet)`,
    )
    database.close()
    const { partitions } = await bring({ 'float.parquet': await readFile(path) })
    expect(partitions).toMatchObject([{ totals: [{ billed: '0.3' }] }])
  })
})

describe('totals are sacred', () => {
  const amount = fc
    .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 18 }))
    .map(([digits, scale]) => Money.plain(Money.parse(`${digits}e-${scale}`)))
  const charge = fc.record({
    BilledCost: amount,
    EffectiveCost: amount,
    BillingCurrency: fc.constantFrom('USD', 'EUR', 'JPY'),
    ProviderName: fc.constantFrom('AWS', 'Microsoft', 'Google Cloud'),
    BillingAccountId: fc.constantFrom('x0000000000001', '/providers/billingAccounts/1', 'a b%c=ü'),
    month: fc.integer({ min: 1, max: 12 }),
  })

  it('cost in is cost out, per partition, currency and column, whatever the digits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(charge, { minLength: 1, maxLength: 60 }), async (charges) => {
        const bill = charges.map(({ month, ...rest }) => {
          const [start, end] = [month, (month % 12) + 1].map(
            (m, i) => `${i === 1 && m === 1 ? 2025 : 2024}-${String(m).padStart(2, '0')}-01T00:00:00Z`,
          ) as [string, string]
          return {
            ...rest,
            BillingPeriodStart: start,
            BillingPeriodEnd: end,
            ChargePeriodStart: start,
            ChargePeriodEnd: end,
          }
        })
        const expected = new Map<string, string>()
        for (const line of bill) {
          const key = [
            line.ProviderName,
            line.BillingAccountId,
            line.BillingPeriodStart.slice(0, 7),
            line.BillingCurrency,
          ].join('|')
          expected.set(key, Money.plain(Money.parse(expected.get(key) ?? '0').plus(line.BilledCost)))
        }
        const { partitions } = await bring({ 'bill.csv': csv(bill) })
        const found = partitions.flatMap((p) =>
          p.totals.map((t) => [[p.provider, p.billingAccountId, p.period, t.currency].join('|'), t.billed] as const),
        )
        expect(new Map(found)).toEqual(expected)
        expect(
          partitions.every((p) =>
            p.totals.every((t) => p.control.some((c) => c.currency === t.currency && c.total === t.billed)),
          ),
        ).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  it('the written Parquet has every row with its text unchanged', async () => {
    const { partitions } = await bring({
      'bill.csv': csv([{ Tags: '{"a/b~c":"x","A":"1"," a":"2"}', ServiceName: 'Ünïcode, "quoted"' }]),
    })
    const database = await open({ tempDir: folder, memoryLimit: '500MB' })
    const path = partitions[0]?.files.costs[0] ?? ''
    const [stored] = await rows<Record<string, string>>(
      database.connection,
      `SELECT ServiceName, Tags, x_Snapshot FROM read_parquet('${path}')`,
    )
    database.close()
    expect(stored).toEqual({
      ServiceName: 'Ünïcode, "quoted"',
      Tags: '{"a/b~c":"x","A":"1"," a":"2"}',
      x_Snapshot: 'imp_test',
    })
  })
})
