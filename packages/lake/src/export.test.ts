import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FocusVersion, Money, type Normalized, type SourceFile } from '@cloudoptima/core'
import { type Database, open, parquet } from './database.ts'
import { exportFocus } from './export.ts'
import { csv, dataFile, describeData } from './formats/testing.ts'
import { normalize } from './normalize.ts'
import { relation } from './relation.ts'

const memoryLimit = '300MB'

let folder: string
let database: Database
let count = 0
const next = (name: string): string => join(folder, `${count++}-${name}`)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-export-'))
  database = await open({ tempDir: folder, memoryLimit })
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true, force: true })
})

async function bring(files: SourceFile[]): Promise<Normalized> {
  return await normalize(files, { workDir: next('work'), snapshotId: 'imp_test', memoryLimit })
}

async function bringRows(rows: Record<string, string>[]): Promise<Normalized> {
  const path = next('bill.csv')
  await writeFile(path, csv(rows))
  return await bring([{ name: 'bill.csv', path }])
}

/** Writes every partition as a file of its own. */
async function written({ partitions }: Normalized, version: FocusVersion): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for (const {
    files: { costs },
    rows,
  } of partitions) {
    const path = next('focus.csv')
    expect(await exportFocus(database.connection, relation('costs', parquet(costs), []), { version, path })).toBe(rows)
    files.push({ name: path, path })
  }
  return files
}

/** The rows as they stand in the file, and its header. */
async function read(
  normalized: Normalized,
  version: FocusVersion,
): Promise<{ header: string[]; rows: Record<string, string>[] }> {
  const [file] = await written(normalized, version)
  const [header = [], ...lines] = parse(readFileSync(file?.path ?? ''))
  return { header, rows: lines.map((line) => Object.fromEntries(header.map((name, i) => [name, line[i] ?? '']))) }
}

/** What must be the same after an export and an import of it. */
function sums({ partitions }: Normalized) {
  const found = partitions.map(({ provider, billingAccountId, period, rows, totals }) => ({
    provider,
    billingAccountId,
    period,
    rows,
    totals,
  }))
  return found.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
}

/** What an export becomes that is imported again. */
async function roundTrip(normalized: Normalized, version: FocusVersion): Promise<Normalized> {
  const again = await bring(await written(normalized, version))
  expect(again.files.map(({ format }) => format?.replace('1.0r2', '1.0'))).toEqual(
    again.files.map(() => `focus-${version}`),
  )
  return again
}

const charge = {
  BilledCost: '10.500',
  EffectiveCost: '-0.000000000000000001',
  ListCost: '',
  ContractedCost: '0',
  BillingAccountId: '0012345678901',
  BillingCurrency: 'USD',
  BillingPeriodStart: '2024-09-01',
  BillingPeriodEnd: '10/1/24',
  ChargePeriodStart: '2024-09-02T02:00:00+02:00',
  ChargePeriodEnd: '2024-09-03 00:00:00',
  ChargeCategory: 'Usage',
  ProviderName: 'AWS',
  PublisherName: 'Acme',
  PricingCurrency: 'USD',
  ListUnitPrice: '0.25',
  ServiceName: 'Ünïcode, "quoted"\nin two lines',
  Tags: '{"Team":"A, B"}',
}

describe('columns', () => {
  const sizes = { '1.0': 43, '1.2': 57, '1.4': 65 }
  it.each(['1.0', '1.2', '1.4'] as const)(
    'of FOCUS %s: these and no others, in the order of the specification',
    async (version) => {
      const { header } = await read(await bringRows([charge]), version)
      expect(header).toHaveLength(sizes[version])
      expect(header).toEqual([...new Set(header)].toSorted())
      expect(header.filter((name) => name.startsWith('x_'))).toEqual([])
      expect(['ProviderName', 'PublisherName'].every((name) => header.includes(name))).toBe(version !== '1.4')
      expect(header.includes('ServiceProviderName')).toBe(version === '1.4')
      expect(header.includes('InvoiceId')).toBe(version !== '1.0')
    },
  )

  describeData('against the models of the specification', () => {
    it('1.2', async () => {
      const { ModelRules } = JSON.parse(readFileSync(dataFile('focus-model/model-1.2.json'), 'utf8')) as {
        ModelRules: Record<string, { Function: string; Reference: string; EntityType: string }>
      }
      const columns = Object.values(ModelRules).flatMap(({ EntityType, Reference }) =>
        EntityType === 'Column' ? [Reference] : [],
      )
      expect((await read(await bringRows([charge]), '1.2')).header).toEqual([...new Set(columns)].toSorted())
    })

    it('1.4', async () => {
      const { datasets } = JSON.parse(readFileSync(dataFile('focus-model/focus_1_4_model.json'), 'utf8')) as {
        datasets: Record<string, { columns: Record<string, unknown> }>
      }
      expect((await read(await bringRows([charge]), '1.4')).header).toEqual(
        Object.keys(datasets['Cost and Usage']?.columns ?? {}).toSorted(),
      )
    })
  })
})

describe('values', () => {
  it('are amounts without trailing zeros, times in UTC, unchanged text, and empty if unknown', async () => {
    const { rows } = await read(await bringRows([charge]), '1.2')
    expect(rows).toEqual([
      expect.objectContaining({
        BilledCost: '10.5',
        EffectiveCost: '-0.000000000000000001',
        ListCost: '',
        ContractedCost: '0',
        BillingAccountId: '0012345678901',
        BillingPeriodEnd: '2024-10-01T00:00:00Z',
        ChargePeriodStart: '2024-09-02T00:00:00Z',
        ServiceName: 'Ünïcode, "quoted"\nin two lines',
        Tags: '{"Team":"A, B"}',
        InvoiceId: '',
      }),
    ])
  })

  it('have the cost in the pricing currency only if it equals the billing currency', async () => {
    const foreign = { ...charge, PricingCurrency: 'EUR' }
    const given = { ...foreign, PricingCurrencyEffectiveCost: '9', PricingCurrencyListUnitPrice: '0.2' }
    const { rows } = await read(await bringRows([charge, foreign, given, { ...charge, PricingCurrency: '' }]), '1.2')
    const found = rows.map((row) => [
      row.PricingCurrencyEffectiveCost,
      row.PricingCurrencyListUnitPrice,
      row.PricingCurrencyContractedUnitPrice,
    ])
    expect(found.toSorted()).toEqual(
      [
        ['', '', ''],
        ['', '', ''],
        [charge.EffectiveCost, '0.25', ''],
        ['9', '0.2', ''],
      ].toSorted(),
    )
  })

  it("have the meter of a provider's own column in SkuMeter, and never its column", async () => {
    const bill = await bringRows([{ ...charge, x_UsageType: 'EU-BoxUsage:m5.large', x_SkuMeterName: '' }])
    for (const [version, meter] of [
      ['1.0', undefined],
      ['1.2', 'EU-BoxUsage:m5.large'],
    ] as const) {
      const { header, rows } = await read(bill, version)
      expect(header.filter((name) => name.startsWith('x_'))).toEqual([])
      expect(rows.map((row) => row['SkuMeter'])).toEqual([meter])
    }
  })

  it('have the provider in the column of the version', async () => {
    const normalized = await bringRows([charge])
    expect((await read(normalized, '1.0')).rows[0]).toMatchObject({ ProviderName: 'AWS', PublisherName: 'Acme' })
    expect((await read(normalized, '1.4')).rows[0]).toMatchObject({ ServiceProviderName: 'AWS' })
  })
})

describe('an export that is imported has the same totals', () => {
  const amount = fc
    .tuple(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer({ min: 0, max: 18 }))
    .map(([digits, scale]) => Money.plain(Money.parse(`${digits}e-${scale}`)))
  const text = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', ' ', ',', ';', '"', "'", '\n', '\\', '{', '}', ':', 'ü', '€', '/'),
    maxLength: 12,
  })
  const bill = fc.array(
    fc.record({
      BilledCost: amount,
      EffectiveCost: amount,
      ListCost: fc.oneof(fc.constant(''), amount),
      ContractedCost: fc.oneof(fc.constant(''), amount),
      BillingCurrency: fc.constantFrom('USD', 'EUR', 'JPY'),
      PricingCurrency: fc.constantFrom('USD', 'EUR', ''),
      ProviderName: fc.constantFrom('AWS', 'Microsoft', 'Google Cloud', 'Oracle'),
      BillingAccountId: fc.constantFrom('0000000000001', '/providers/billingAccounts/1', 'a b%c=ü'),
      ServiceName: text,
      Tags: text,
    }),
    { minLength: 1, maxLength: 40 },
  )

  it('for any bill and version', { timeout: 120_000 }, async () => {
    const version = fc.constantFrom('1.0', '1.2', '1.4')
    await fc.assert(
      fc.asyncProperty(bill, version, async (rows, to) => {
        const normalized = await bringRows(rows.map((row) => ({ ...charge, ...row })))
        expect(sums(await roundTrip(normalized, to))).toEqual(sums(normalized))
      }),
      { numRuns: 10 },
    )
  })

  describeData('with the bills of others', () => {
    const bills: [string, string[]][] = [
      ['focus-sample', ['focus_sample.csv']],
      ['gcp-focus', ['gcp_1_2_cost_and_usage_rows25_seed7.csv']],
      ['aws-cur-legacy', ['sample-anonymous-aws-export-dataset.csv']],
      ['azure-actual-amortized', ['EA_ActualCost_Small.csv', 'EA_AmortizedCost_Small.csv']],
    ]
    it.each(bills)('%s', { timeout: 120_000 }, async (name, files) => {
      const normalized = await bring(files.map((file) => ({ name: file, path: dataFile(`${name}/${file}`) })))
      for (const version of ['1.0', '1.2', '1.4'] as const)
        expect(sums(await roundTrip(normalized, version))).toEqual(sums(normalized))
    })
  })
})
