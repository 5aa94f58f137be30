import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { costMetrics, Money } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateSample, type Sample, type SampleOptions } from './index.ts'
import { readBill, type Row } from './testing/csv.ts'

const today = '2026-11-23'
const columnOf = {
  billed: 'BilledCost',
  effective: 'EffectiveCost',
  list: 'ListCost',
  contracted: 'ContractedCost',
} as const

const dirs: string[] = []
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true })
})

async function generated(options: Partial<SampleOptions>): Promise<{ dir: string; sample: Sample; rows: Row[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'sample-'))
  dirs.push(dir)
  const sample = await generateSample({ dir, today, ...options })
  const rows = (await Promise.all(sample.files.map(async ({ path }) => await readBill(path)))).flat()
  return { dir, sample, rows }
}

async function digest(dir: string, { files }: Sample): Promise<string> {
  const hash = createHash('sha256')
  for (const { path } of files) hash.update(relative(dir, path)).update(await readFile(path))
  return hash.digest('hex')
}

function sum(rows: readonly Row[], column: string): string {
  return Money.plain(Money.sum(rows.map((row) => Money.parse(row[column] ?? ''))))
}

function product(row: Row, a: string, b: string): string {
  return Money.plain(Money.parse(row[a] ?? '').times(Money.parse(row[b] ?? '')))
}

const size = fc.record({
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  rows: fc.integer({ min: 2500, max: 6000 }),
  months: fc.integer({ min: 1, max: 4 }),
})
const day = fc
  .date({ min: new Date('2024-01-02'), max: new Date('2027-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

describe('any sample', () => {
  it('returns the exact sums of its rows; every amount is price times quantity', async () => {
    await fc.assert(
      fc.asyncProperty(size, day, async (options, today) => {
        const { sample, rows } = await generated({ ...options, today })
        expect(rows).toHaveLength(sample.rows)
        for (const total of sample.totals) {
          const own = rows.filter((row) => row['BillingAccountId'] === total.billingAccountId)
          expect(own).toHaveLength(total.rows)
          for (const metric of costMetrics)
            expect([metric, sum(own, columnOf[metric])]).toEqual([metric, total[metric]])
        }
        for (const row of rows.filter((row) => row['PricingQuantity'] !== '')) {
          expect(product(row, 'ContractedUnitPrice', 'PricingQuantity')).toBe(row['ContractedCost'])
          expect(product(row, 'ListUnitPrice', 'PricingQuantity')).toBe(row['ListCost'])
          if (row['ChargeCategory'] === 'Usage' && row['CommitmentDiscountId'] === '')
            expect(row['BilledCost']).toBe(row['ContractedCost'])
        }
      }),
      { numRuns: 6, seed: 42 },
    )
  })

  it('has the same bytes for the same seed and day, and other bytes for another seed', async () => {
    const options = { rows: 4000, months: 2, seed: 7 }
    const [first, again, other] = [
      await generated(options),
      await generated(options),
      await generated({ ...options, seed: 8 }),
    ]
    expect(await digest(again.dir, again.sample)).toBe(await digest(first.dir, first.sample))
    expect(await digest(other.dir, other.sample)).not.toBe(await digest(first.dir, first.sample))
    expect(again.sample.totals).toEqual(first.sample.totals)
  })

  it('can be one file of FOCUS 1.0, compressed', async () => {
    const { sample, rows } = await generated({ rows: 5000, months: 1, focus: '1.0', singleFile: true, gzip: true })
    expect(sample.files.map(({ path }) => path.split('/').at(-1))).toEqual(['bill.csv.gz'])
    expect(Object.keys(rows[0] ?? {})).toHaveLength(43)
  })

  it('refuses a `today` that is not a day', async () => {
    await expect(generateSample({ dir: tmpdir(), today: '23.11.2026' })).rejects.toThrow('YYYY-MM-DD')
  })
})

describe('a sample of 13 months', () => {
  let sample: Sample
  let rows: Row[]
  beforeAll(async () => {
    ;({ sample, rows } = await generated({ rows: 80_000 }))
  })
  const usage = () =>
    rows.filter(
      (row) => row['ChargeCategory'] === 'Usage' && row['ChargeClass'] === '' && Number(row['PricingQuantity']) > 0,
    )
  const of = (key: string, ...wanted: string[]) => rows.filter((row) => wanted.includes(row[key] ?? ''))

  it('has about as many rows as requested, in one file per account and month', () => {
    expect(sample.rows).toBeGreaterThan(76_000)
    expect(sample.rows).toBeLessThan(84_000)
    expect(sample.files).toHaveLength(4 * 13)
    expect(new Set(rows.map((row) => row['BillingPeriodStart']?.slice(0, 7))).size).toBe(13)
  })

  it('ends yesterday; the open month has no invoice', () => {
    const days = usage()
      .map((row) => row['ChargePeriodStart'] ?? '')
      .toSorted()
    expect([days[0], days.at(-1)]).toEqual(['2025-11-01T00:00:00Z', '2026-11-22T00:00:00Z'])
    expect(of('BillingPeriodStart', '2026-11-01T00:00:00Z').every((row) => row['InvoiceId'] === '')).toBe(true)
    expect(of('BillingPeriodStart', '2026-10-01T00:00:00Z').every((row) => row['InvoiceId'] !== '')).toBe(true)
  })

  it('has three clouds, four accounts and three currencies', () => {
    expect(sample.totals.map(({ provider, currency }) => `${provider} ${currency}`)).toEqual([
      'AWS USD',
      'Microsoft EUR',
      'Google Cloud USD',
      'Google Cloud GBP',
    ])
    expect(new Set(of('BillingCurrency', 'GBP').map((row) => row['PricingCurrency']))).toEqual(new Set(['USD']))
  })

  it('has no contracted cost above the list cost, and no effective cost above the contracted cost', () => {
    const wrong = usage().filter(
      (row) =>
        Number(row['ListCost']) < Number(row['ContractedCost']) ||
        Number(row['ContractedCost']) < Number(row['EffectiveCost']),
    )
    expect(wrong).toEqual([])
  })

  it('has taxes, credits, adjustments, marketplace charges, refunds of an earlier month and negative usage', () => {
    expect(new Set(rows.map((row) => row['ChargeCategory']))).toEqual(
      new Set(['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
    )
    expect(of('ChargeCategory', 'Credit').every((row) => Number(row['BilledCost']) < 0)).toBe(true)
    expect(new Set(rows.map((row) => row['PublisherName']))).toContain('Sentryline Inc.')
    const refunds = of('ChargeClass', 'Correction')
    expect(refunds.length).toBeGreaterThan(50)
    expect(
      refunds.every(
        (row) => (row['ChargePeriodStart'] ?? '') < (row['BillingPeriodStart'] ?? '') && Number(row['BilledCost']) < 0,
      ),
    ).toBe(true)
    expect(
      rows.some(
        (row) => row['ChargeCategory'] === 'Usage' && row['ChargeClass'] === '' && Number(row['BilledCost']) < 0,
      ),
    ).toBe(true)
  })

  it('refunds exactly the amount that was charged', () => {
    const keyOf = (row: Row) => `${row['ResourceId']} ${row['ChargePeriodStart']} ${row['SkuId']}`
    const originals = Map.groupBy(usage(), keyOf)
    for (const refund of of('ChargeClass', 'Correction'))
      expect(sum([refund, ...(originals.get(keyOf(refund)) ?? [])], 'BilledCost')).toBe('0')
  })

  it('has used and unused commitment rows that sum up to the purchase', () => {
    const plan = of('CommitmentDiscountType', 'Compute Savings Plan')
    for (const [start, charges] of Map.groupBy(plan, (row) => row['ChargePeriodStart'])) {
      const effective = sum(
        charges.filter((row) => row['ChargeCategory'] === 'Usage'),
        'EffectiveCost',
      )
      expect([start, effective]).toEqual([
        start,
        sum(
          charges.filter((row) => row['ChargeCategory'] === 'Purchase'),
          'BilledCost',
        ),
      ])
    }
    const reservation = of('CommitmentDiscountType', 'Reservation')
    const purchase = reservation.find(
      (row) => row['ChargeCategory'] === 'Purchase' && row['BillingPeriodStart'] === '2026-10-01T00:00:00Z',
    )
    const october = reservation.filter(
      (row) => row['ChargeCategory'] === 'Usage' && row['BillingPeriodStart'] === '2026-10-01T00:00:00Z',
    )
    expect(sum(october, 'EffectiveCost')).toBe(purchase?.['BilledCost'])
    expect(new Set(rows.map((row) => row['CommitmentDiscountStatus']))).toEqual(new Set(['', 'Used', 'Unused']))
  })

  it('grows over the year, is lower at weekends and higher at the end of a month', () => {
    const cost = (wanted: Row[]) => wanted.reduce((total, row) => total + Number(row['EffectiveCost']), 0)
    const month = (period: string) => usage().filter((row) => row['ChargePeriodStart']?.startsWith(period))
    expect(cost(month('2026-10'))).toBeGreaterThan(cost(month('2025-11')) * 1.08)
    const glue = (days: string[]) =>
      cost(of('ServiceName', 'AWS Glue').filter((row) => days.includes(row['ChargePeriodStart']?.slice(0, 10) ?? ''))) /
      days.length
    expect(glue(['2026-10-10', '2026-10-11'])).toBeLessThan(glue(['2026-10-13', '2026-10-14']) * 0.75)
    expect(glue(['2026-09-29', '2026-09-30'])).toBeGreaterThan(glue(['2026-09-22', '2026-09-23']) * 1.5)
  })

  it('describes its anomalies as they appear in the rows of the resource', () => {
    expect(sample.anomalies).toHaveLength(13)
    const recent = sample.anomalies.filter(({ start }) => start >= '2026-11-01')
    expect(new Set(recent.map(({ provider }) => provider))).toEqual(new Set(['AWS', 'Microsoft', 'Google Cloud']))
    for (const { resourceId, start, extraCost } of sample.anomalies.filter(({ kind }) => kind === 'new')) {
      const own = usage().filter((row) => row['ResourceId'] === resourceId && row['ChargeClass'] === '')
      expect(own.map((row) => row['ChargePeriodStart']).toSorted()[0]).toBe(`${start}T00:00:00Z`)
      const charged = own.filter((row) => Number(row['BilledCost']) > 0)
      expect(sum(charged, 'BilledCost')).toBe(Money.plain(Money.parse(extraCost)))
    }
    for (const { resourceId, start, factor, serviceName, id } of sample.anomalies.filter(
      ({ kind }) => kind !== 'ramp' && kind !== 'new',
    )) {
      const own = usage().filter((row) => row['ResourceId'] === resourceId && row['ServiceName'] === serviceName)
      const weekBefore = new Date(Date.parse(start) - 7 * 86_400_000).toISOString().slice(0, 10)
      const on = (day: string) => Number(own.find((row) => row['ChargePeriodStart']?.startsWith(day))?.['BilledCost'])
      const share = Math.log(on(start) / on(weekBefore)) / Math.log(factor)
      expect([id, share > 0.65 && share < 1.35]).toEqual([id, true])
    }
  })

  it('fills every column that FOCUS 1.2 requires', () => {
    const always = [
      'BilledCost',
      'BillingAccountId',
      'BillingAccountName',
      'BillingCurrency',
      'BillingPeriodEnd',
      'BillingPeriodStart',
      'ChargeCategory',
      'ChargeDescription',
      'ChargeFrequency',
      'ChargePeriodEnd',
      'ChargePeriodStart',
      'ContractedCost',
      'EffectiveCost',
      'InvoiceIssuerName',
      'ListCost',
      'ProviderName',
      'PublisherName',
      'ServiceCategory',
      'ServiceName',
      'ServiceSubcategory',
      'SubAccountId',
      'PricingCurrency',
    ]
    for (const column of always) expect([column, of(column, '').length]).toEqual([column, 0])
    const priced = of('ChargeCategory', 'Usage', 'Purchase')
    for (const column of [
      'ContractedUnitPrice',
      'ListUnitPrice',
      'PricingCategory',
      'PricingQuantity',
      'PricingUnit',
      'SkuId',
      'SkuMeter',
      'SkuPriceId',
    ]) {
      expect([column, priced.filter((row) => row[column] === '').length]).toEqual([column, 0])
    }
  })
})
