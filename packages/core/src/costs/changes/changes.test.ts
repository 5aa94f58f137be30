import { expect, test } from 'vitest'
import * as ExchangeRate from '../../currencies/rates.ts'
import { parse, plain } from '../../kernel/money.ts'
import { lakeOf, september, snapshot } from '../../testing/cost-lake.ts'
import * as Changes from './changes.ts'

const charge = {
  currency: 'USD',
  provider: 'AWS',
  account: '1',
  service: 'EC2',
  resource: 'i-1',
  kind: 'usage' as const,
  leaf: '1',
  before: '3.1',
  after: '6',
  quantityBefore: '31',
  quantityAfter: '30',
  ratedBefore: '0',
  ratedAfter: '0',
  pricedBefore: '0',
  pricedAfter: '0',
}

const spans = async (input: Parameters<typeof Changes.get>[1], snapshots = september) => {
  const { from, to } = await Changes.get((await lakeOf(snapshots, [], { costChanges: [] })).ctx, input)
  return [from, to].map(({ startDate, endDate }) => `${startDate}..${endDate}`)
}

test.each<[string, Parameters<typeof Changes.get>[1], string, string]>([
  ['the last complete month and the one before', {}, '2024-08-01..2024-08-31', '2024-09-01..2024-09-30'],
  ['the month before a month', { to: '2024-03' }, '2024-02-01..2024-02-29', '2024-03-01..2024-03-31'],
  ['the month after a month', { from: '2023-12' }, '2023-12-01..2023-12-31', '2024-01-01..2024-01-31'],
  ['as many days before', { to: '2024-09-08..2024-09-14' }, '2024-09-01..2024-09-07', '2024-09-08..2024-09-14'],
  ['as many days after', { from: '2024-08-31..2024-08-31' }, '2024-08-31..2024-08-31', '2024-09-01..2024-09-01'],
  ['any two', { from: '2023-09', to: '2024-09-01..2024-09-15' }, '2023-09-01..2023-09-30', '2024-09-01..2024-09-15'],
])('compares %s', async (_, input, ...expected) => expect(await spans(input)).toEqual(expected))

test.each([
  ['the period before', '2024-08', { inOrder: false, commonDays: 0 }],
  ['the same period', '2024-09', { inOrder: false, commonDays: 30 }],
  ['a common day', '2024-09-30..2024-10-29', { inOrder: true, commonDays: 1 }],
  ['the period after', '2024-10', { inOrder: true, commonDays: 0 }],
])('says how the periods lie: %s', async (_, to, expected) => {
  const { ctx } = await lakeOf(september, [], { costChanges: [] })
  expect((await Changes.get(ctx, { from: '2024-09', to })).meta).toMatchObject(expected)
})

test('a month that is not complete is no default', async () => {
  const days = { first: '2024-10-01', last: '2024-10-20' }
  const october = snapshot({ provider: 'AWS', period: '2024-10', days })
  expect(await spans({}, [...september, october])).toEqual(['2024-08-01..2024-08-31', '2024-09-01..2024-09-30'])
})

test('reads the bills of both periods only, in one query', async () => {
  const { ctx, asked } = await lakeOf([...september, snapshot({ provider: 'AWS', period: '2024-05' })], [], {
    costChanges: [charge],
  })
  const answer = await Changes.get(ctx, { from: '2024-05', to: '2024-09' })
  expect(asked).toMatchObject([
    {
      name: 'costChanges',
      files: { files: { costs: ['AWS/1/2024-05/costs', 'AWS/1/2024-09/costs'] } },
      parameters: { start: '2024-09-01', end: '2024-09-30', previousStart: '2024-05-01', previousEnd: '2024-05-31' },
    },
  ])
  expect(answer).toMatchObject({
    before: 3.1,
    after: 6,
    changeExact: '2.9',
    changePercent: 93.5484,
    beforeIsZero: false,
    causes: { quantity: '-0.1', price: '3' },
    perDay: { before: 0.1, after: 0.2, change: 0.1 },
    meta: { sameLength: false, missing: [] },
  })
})

test('other currencies are named with their exact amounts, and a period without charges is named once', async () => {
  const { ctx } = await lakeOf(september, [], {
    costChanges: [charge, { ...charge, currency: 'EUR', provider: null, leaf: null, before: '1', after: '7.10' }],
  })
  const { providers, meta } = await Changes.get(ctx, { from: '2024-09', to: '2024-09-30..2024-10-05' })
  expect(providers.map(({ name, after }) => [name, after])).toEqual([['AWS', 6]])
  expect(meta.missing).toMatchObject([
    { kind: 'exchange_rate', currency: 'EUR', amount: '7.1', period: 'current' },
    { kind: 'exchange_rate', currency: 'EUR', amount: '1', period: 'previous' },
    { kind: 'days', provider: 'AWS', after: '2024-09-30' },
  ])
})

test('an empty lake answers no change, without a query', async () => {
  const { ctx, asked } = await lakeOf([])
  expect(await Changes.get(ctx, {})).toMatchObject({
    to: { startDate: '2026-10-01' },
    changeExact: '0',
    beforeIsZero: true,
    providers: [],
    meta: { asOf: null, sameLength: false },
  })
  expect(asked).toHaveLength(0)
})

test('in a named currency, each day is converted at its rate, and the difference of the rates is a cause', async () => {
  const euro = {
    ...charge,
    currency: 'EUR',
    quantityBefore: '1',
    quantityAfter: '1',
    pricedBefore: '10',
    pricedAfter: '10',
  }
  const { ctx, asked } = await lakeOf(september, [], {
    costChanges: [
      { ...euro, rateDay: '2024-08-05', before: '10', after: '0', ratedBefore: '10', ratedAfter: '0' },
      { ...euro, rateDay: '2024-09-05', before: '0', after: '10', ratedBefore: '0', ratedAfter: '10' },
      { ...charge, leaf: '2', rateDay: null },
    ],
  })
  const usdOn = async (date: string) => {
    const { rates } = await ExchangeRate.get(ctx, { date })
    return parse(rates.find(({ currency }) => currency === 'USD')?.rateExact ?? '').times(10)
  }
  const [before, after] = [await usdOn('2024-08-05'), await usdOn('2024-09-05')]
  const answer = await Changes.get(ctx, { currency: 'USD' })
  expect(asked).toMatchObject([{ parameters: { convertTo: 'USD' } }])
  expect([answer.beforeExact, answer.afterExact]).toEqual([before.plus('3.1'), after.plus('6')].map(plain))
  expect(answer.causes).toMatchObject({ currency: plain(after.minus(before)), quantity: '-0.1', price: '3' })
  expect(answer.meta).toMatchObject({ missing: [], rates: { firstDay: '2024-08-05', lastDay: '2024-09-05' } })
})
