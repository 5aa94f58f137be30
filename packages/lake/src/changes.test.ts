import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Filter, Money, type Queries } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLake } from './index.ts'
import { normalize } from './normalize.ts'
import { columns, csv, type Row } from './testing.ts'

const more = ['ResourceId', 'SkuId', 'PricingQuantity', 'PricingUnit', 'CommitmentDiscountStatus'] as const
const foreign = ['PricingCurrency', 'PricingCurrencyEffectiveCost'] as const
type Charge = Row & Record<(typeof more)[number] | (typeof foreign)[number], string>

const months = ['2024-09', '2024-10'] as const
const names = ['', 'a', 'b', 'c']
const amount = (most: number) =>
  fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map((units) => Money.plain(Money.parse(`${units}e-18`).div(most)))
const charge: fc.Arbitrary<Charge> = fc
  .record({
    month: fc.constantFrom(...months),
    day: fc.integer({ min: 1, max: 28 }),
    cost: amount(1),
    currency: fc.constantFrom('USD', 'USD', 'EUR'),
    category: fc.constantFrom('Usage', 'Usage', 'Usage', 'Credit', 'Tax', 'Purchase', 'Adjustment'),
    service: fc.constantFrom(...names),
    account: fc.constantFrom(...names),
    resource: fc.constantFrom(...names),
    quantity: fc.option(fc.integer({ min: 0, max: 9 }).map(String), { nil: '' }),
    priced: fc.option(amount(2), { nil: '' }),
    isUnused: fc.boolean(),
  })
  .map(({ month, day, cost, currency, category, service, account, resource, quantity, priced, isUnused }) => ({
    BilledCost: cost,
    EffectiveCost: cost,
    ListCost: cost,
    ContractedCost: cost,
    BillingAccountId: `payer-${currency}`,
    BillingCurrency: currency,
    BillingPeriodStart: `${month}-01T00:00:00Z`,
    BillingPeriodEnd: month === '2024-09' ? '2024-10-01T00:00:00Z' : '2024-11-01T00:00:00Z',
    ChargePeriodStart: `${month}-${String(day).padStart(2, '0')}T00:00:00Z`,
    ChargePeriodEnd: `${month}-${String(day + 1).padStart(2, '0')}T00:00:00Z`,
    ChargeCategory: category,
    ChargeClass: '',
    ProviderName: 'AWS',
    ServiceName: service || 'EC2',
    Tags: '',
    SubAccountId: account,
    ResourceId: resource,
    SkuId: 'hours',
    PricingQuantity: quantity,
    PricingUnit: 'Hours',
    CommitmentDiscountStatus: isUnused && category === 'Usage' ? 'Unused' : '',
    PricingCurrency: priced === '' ? '' : 'GBP',
    PricingCurrencyEffectiveCost: priced,
  }))

/** Some have the same resource, in one month or in both. */
const [bill = []] = fc.sample(fc.array(charge, { minLength: 300, maxLength: 300 }), { numRuns: 1, seed: 7 })

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()
const none = { cost_rollup: [], resources: [], resource_changes: [], utilization: [] }
const files: { key: string; month: string }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-changes-'))
  lake = createLake({ blobs, cacheDir: join(folder, 'cache') })
  const path = join(folder, 'bill.csv')
  await writeFile(path, csv(bill, [...columns, ...more, ...foreign]))
  const options = { workDir: join(folder, 'work'), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name: 'bill.csv', path }], options)
  for (const { period, files: own } of partitions)
    for (const key of own.costs) {
      await blobs.put('org', key.slice(1), await readFile(key))
      files.push({ key: key.slice(1), month: period })
    }
})
afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

const ask = async <Name extends keyof Queries>(name: Name, parameters: Queries[Name]['parameters']) => {
  const costs = files.map(({ key }) => key)
  return await lake.query(name, { orgId: 'org', files: { ...none, costs }, excluded: [] }, parameters)
}
const sumOf = (costs: readonly string[]) => Money.plain(Money.sum(costs.map((cost) => Money.parse(cost))))
const dayOf = ({ ChargePeriodStart }: Charge) => ChargePeriodStart.slice(0, 10)

const day = fc
  .tuple(fc.constantFrom(...months), fc.integer({ min: 1, max: 30 }))
  .map(([month, date]) => `${month}-${String(date).padStart(2, '0')}`)
const span = fc.tuple(day, day).map((days) => days.toSorted())
const service = fc.subarray(['EC2', 'a', 'b', 'c'], { minLength: 1 })

/** Of the bill itself. */
const costOf = (isWanted: (charge: Charge) => boolean) =>
  sumOf(bill.filter(isWanted).map(({ EffectiveCost }) => EffectiveCost))

test('whatever is kept apart or converted, the changes of a currency sum to its costs, to the last digit', async () => {
  const cases = fc.tuple(
    span,
    span,
    service,
    fc.integer({ min: 0, max: 400 }),
    fc.constantFrom(undefined, 'USD', 'GBP'),
  )
  await fc.assert(
    fc.asyncProperty(cases, async ([from, to, services, leaves, convertTo]) => {
      const [[previousStart = '', previousEnd = ''], [start = '', end = '']] = [from, to]
      const filters: Filter[] = [{ dimension: 'service', values: services }]
      const base = { metric: 'effective', basis: 'charge', filters, start, end, previousStart, previousEnd } as const
      const rows = await ask('costChanges', { ...base, currency: 'USD', leaves, convertTo })
      for (const currency of ['USD', 'EUR']) {
        const own = rows.filter((row) => row.currency === currency)
        const isOwn = (one: Charge) => one.BillingCurrency === currency && services.includes(one.ServiceName)
        const within = (first: string, last: string) =>
          costOf((one) => isOwn(one) && first <= dayOf(one) && dayOf(one) <= last)
        expect(sumOf(own.map(({ before }) => before))).toBe(within(previousStart, previousEnd))
        expect(sumOf(own.map(({ after }) => after))).toBe(within(start, end))
      }
    }),
    { numRuns: 25 },
  )
})

test('the causes of a restatement sum to the difference of its versions, and its rows to theirs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...months),
      fc.constantFrom(...months),
      service,
      async (earlier, later, services) => {
        const filters: Filter[] = [{ dimension: 'service', values: services }]
        const versions = files.map(({ month }) => month)
        const rows = await ask('costRestatements', {
          metric: 'effective',
          filters,
          versions,
          pairs: [{ earlier, later }],
        })
        for (const currency of ['USD', 'EUR']) {
          const own = rows.filter((row) => row.currency === currency)
          const of = (month: string) => (one: Charge) =>
            one.BillingCurrency === currency && services.includes(one.ServiceName) && dayOf(one).startsWith(month)
          expect(sumOf(own.map(({ before }) => before))).toBe(costOf(of(earlier)))
          expect(sumOf(own.map(({ after }) => after))).toBe(costOf(of(later)))
          const count = (side: 'rowsBefore' | 'rowsAfter') => own.reduce((all, row) => all + row[side], 0)
          expect([count('rowsBefore'), count('rowsAfter')]).toEqual(
            [earlier, later].map((month) => bill.filter(of(month)).length),
          )
          if (earlier === later) for (const { before, after } of own) expect(after).toBe(before)
        }
      },
    ),
    { numRuns: 12 },
  )
})
