import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountOfCloud, isSameAccount, Money, type NormalizedPartition } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, literal, open, rows } from './database.ts'
import { normalize } from './normalize.ts'
import { csv, type Row } from './testing.ts'

let folder: string
let database: Database
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-withhold-'))
  database = await open({ tempDir: folder, memoryLimit: '200MB' })
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true, force: true })
})

async function bring(bill: Partial<Row>[], withhold: readonly AccountOfCloud[]): Promise<NormalizedPartition[]> {
  const path = join(folder, `${count++}.csv`)
  await writeFile(path, csv(bill))
  return (
    await normalize([{ name: 'bill.csv', path }], {
      workDir: `${path}-work`,
      snapshotId: 'imp_test',
      withhold,
      memoryLimit: '200MB',
    })
  ).partitions
}

async function accountsIn({ costs }: NormalizedPartition): Promise<(string | null)[]> {
  const files = `read_parquet([${costs.map(literal).join(', ')}])`
  return (
    await rows<{ id: string | null }>(
      database.connection,
      `SELECT DISTINCT SubAccountId AS id FROM ${files} ORDER BY 1`,
    )
  ).map(({ id }) => id)
}

const aws = (accountId: string): AccountOfCloud => ({ cloud: 'aws', accountId })
const usage = (SubAccountId: string, BilledCost = '1'): Partial<Row> => ({
  SubAccountId,
  BilledCost,
  EffectiveCost: BilledCost,
})

describe('a bill from which accounts are withheld', () => {
  test('has all its other rows, and says what the others came to', async () => {
    const [bill] = await bring(
      [usage('1', '0.1'), usage('1', '0.2'), usage('2', '4'), usage('', '8')],
      [aws('1'), aws('9')],
    )
    expect(bill).toMatchObject({
      rows: 2,
      totals: [{ currency: 'USD', billed: '12' }],
      control: [{ total: '12.3', rows: 4 }],
      withheld: [{ accountId: '1', currency: 'USD', rows: 2, billed: '0.3', effective: '0.3' }],
    })
    expect(bill && (await accountsIn(bill))).toEqual(['2', null])
  })

  test('is as it was where it has none of them, also where another cloud has an account of that name', async () => {
    const bills = [
      await bring([usage('1')], []),
      await bring([usage('1')], [aws('2')]),
      await bring([usage('1')], [{ cloud: 'gcp', accountId: '1' }]),
    ].flat()
    for (const bill of bills) expect(bill).toMatchObject({ rows: 1, totals: [{ billed: '1' }] })
    expect(bills.map(({ withheld }) => withheld)).toEqual([undefined, undefined, undefined])
  })

  test('is whole where it is the own bill of an account', async () => {
    const [own] = await bring([usage('0012345678901'), usage('2')], [aws('0012345678901')])
    expect(own).toMatchObject({ rows: 2, totals: [{ billed: '2' }] })
  })

  test('is there with nothing in it where all of it is withheld, and has its days', async () => {
    const [bill] = await bring([usage('1', '5')], [aws('1')])
    expect(bill).toMatchObject({
      rows: 0,
      totals: [],
      days: { first: '2024-09-03', last: '2024-09-03' },
      withheld: [{ rows: 1, billed: '5' }],
    })
    expect(bill && (await accountsIn(bill))).toEqual([])
  })

  const guid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
  const spellings = [
    '111111111111',
    '211111111111',
    'my-project',
    'y-project',
    `/subscriptions/${guid}`,
    `/subscriptions/${guid.toUpperCase()}`,
    guid,
    '',
  ]
  const amount = fc
    .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 9 }))
    .map(([n, d]) => (n / 10 ** d).toFixed(d))
  const charge = fc.record({
    SubAccountId: fc.constantFrom(...spellings),
    BilledCost: amount,
    EffectiveCost: amount,
    BillingCurrency: fc.constantFrom('USD', 'EUR'),
  })

  test('comes with what is withheld to what it was, to the last digit; and has no row of those accounts, however the bill writes them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(charge, { minLength: 1, maxLength: 12 }),
        fc.subarray(['111111111111', 'my-project', guid]),
        async (bill, accountIds) => {
          const [found] = await bring(bill, accountIds.map(aws))
          const isOut = (named: string) => accountIds.some((id) => isSameAccount(named, id))
          for (const currency of ['USD', 'EUR']) {
            const total = (metric: 'BilledCost' | 'EffectiveCost', of: typeof bill) =>
              Money.plain(
                Money.sum(
                  of
                    .filter(({ BillingCurrency }) => BillingCurrency === currency)
                    .map((row) => Money.parse(row[metric])),
                ),
              )
            const kept = found?.totals.find((totals) => totals.currency === currency)
            const out = (found?.withheld ?? []).filter((sums) => sums.currency === currency)
            const [inside, outside] = [
              bill.filter(({ SubAccountId }) => !isOut(SubAccountId)),
              bill.filter(({ SubAccountId }) => isOut(SubAccountId)),
            ]
            expect([kept?.billed ?? '0', kept?.effective ?? '0']).toEqual([
              total('BilledCost', inside),
              total('EffectiveCost', inside),
            ])
            const sumOf = (metric: 'billed' | 'effective') =>
              Money.plain(Money.sum(out.map((sums) => Money.parse(sums[metric]))))
            expect([sumOf('billed'), sumOf('effective')]).toEqual([
              total('BilledCost', outside),
              total('EffectiveCost', outside),
            ])
          }
          expect(found && (await accountsIn(found)).filter((named) => named !== null && isOut(named))).toEqual([])
        },
      ),
      { numRuns: 25 },
    )
  })
})
