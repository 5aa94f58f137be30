import { describe, expect, it } from 'vitest'
import { bench, csv } from './testing.ts'

const { bring } = bench()

type Row = Record<string, string>

const usage = (day: number, change: Row = {}): Row => ({
  BillingAccountId: '1',
  BillingCurrency: 'USD',
  Date: `09/${String(day).padStart(2, '0')}/2023`,
  MeterCategory: 'Storage',
  MeterId: 'm1',
  Quantity: '1',
  Cost: '1.5',
  ChargeType: 'Usage',
  PricingModel: 'OnDemand',
  ResourceId: '/vm',
  ...change,
})
const days = (from: number, to: number): Row[] => Array.from({ length: to - from + 1 }, (_, i) => usage(from + i))
const purchase = usage(1, { ChargeType: 'Purchase', PricingModel: 'Reservation', Cost: '100' })
const unused = usage(1, { ChargeType: 'UnusedReservation', PricingModel: 'Reservation', Cost: '0.5' })
/** The same charges as another export writes them: in another order, with ids in another case. */
const twin = (rows: Row[]): Row[] => rows.toReversed().map((row) => ({ ...row, ResourceId: '/VM' }))

async function formatsOf(files: Row[][]): Promise<string[]> {
  const { normalized } = await bring(Object.fromEntries(files.map((rows, index) => [`${index}.csv`, csv(rows)])))
  return normalized.files.map(({ format = '' }) => format.slice('azure-'.length))
}

describe('a file without rows that show its set is recognized by the other files', () => {
  it.each([
    ['alone it is actual', [days(1, 9)], ['actual']],
    ['the same charges twice are the two sets', [days(1, 9), twin(days(1, 9))], ['actual', 'amortized']],
    ['other charges are another part', [days(1, 4), days(5, 9)], ['actual', 'actual']],
    ['other charges but one are another part', [days(1, 6), days(6, 9)], ['actual', 'actual']],
    [
      'the same charges of two subscriptions are two parts',
      [1, 2].map((id) => days(1, 9).map((row) => ({ ...row, SubscriptionId: `s${id}`, ResourceId: '' }))),
      ['actual', 'actual'],
    ],
    [
      'beside an actual set with the same charges it is amortized',
      [[...days(1, 9), purchase], twin(days(1, 9))],
      ['actual', 'amortized'],
    ],
    [
      'beside an amortized set with the same charges it is actual',
      [days(1, 9), [...twin(days(1, 9)), unused]],
      ['actual', 'amortized'],
    ],
    [
      'beside a part of the amortized set it is another part of it',
      [days(1, 4), [...days(5, 9), unused]],
      ['amortized', 'amortized'],
    ],
    [
      'beside a part of the actual set it is another part of it',
      [days(1, 4), [...days(5, 9), purchase]],
      ['actual', 'actual'],
    ],
    [
      'two sets in two parts each',
      [days(1, 4), [...days(5, 9), purchase], twin(days(1, 4)), [...twin(days(5, 9)), unused]],
      ['actual', 'actual', 'amortized', 'amortized'],
    ],
  ])('%s', async (_, files, expected) => {
    expect(await formatsOf(files)).toEqual(expected)
  })

  it('files of different accounts do not affect each other', async () => {
    const other = days(1, 9).map((row) => ({ ...row, BillingAccountId: '2' }))
    expect(await formatsOf([days(1, 9), other])).toEqual(['actual', 'actual'])
  })

  it('an account without commitments, delivered as a pair, is counted once', async () => {
    const { normalized, rows } = await bring({ 'actual.csv': csv(days(1, 9)), 'amortized.csv': csv(twin(days(1, 9))) })
    expect(rows).toHaveLength(9)
    expect(normalized.partitions[0]?.totals).toMatchObject([{ billed: '13.5', effective: '13.5' }])
  })
})
