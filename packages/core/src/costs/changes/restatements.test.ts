import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Queries } from '../../effects/queries.ts'
import { parse, plain, sum } from '../../kernel/money.ts'
import type { Info } from '../../lake/snapshot.ts'
import { lakeOf, snapshot } from '../../testing/cost-lake.ts'
import * as Restatements from './restatements.ts'

type Row = Queries['costRestatements']['row']

const partition = 'AWS/1/2024-09'

/** Versions of the bill of September, the oldest first; each has its number as the name of its file. */
function versions(given: readonly (Partial<Info> & { at: string })[]): Info[] {
  return given.map((info, index) => {
    const number = index + 1
    const previous = index === 0 ? {} : { previous: given[index - 1]?.snapshotId ?? `imp_${index}` }
    return snapshot({
      provider: 'AWS',
      period: '2024-09',
      days: { first: '2024-09-01', last: '2024-09-30' },
      snapshotId: `imp_${number}`,
      raw: `imp_${number}`,
      version: number,
      files: { costs: [`costs-${number}`], cost_rollup: [`rollup-${number}`] },
      ...previous,
      ...info,
    })
  })
}

/** A lake of these versions, of which the first ones have expired. */
async function lake(all: Info[], rows: Row[] = [], expired = 0) {
  const found = await lakeOf(all.slice(-1), [], { costRestatements: rows })
  for (const info of all.slice(expired))
    await found.runtime.tables.snapshots.put('org_test', { ...info, id: `${partition}#${info.snapshotId}` })
  return found
}

const october = (day: number, change: Partial<Info> = {}) => ({
  at: `2024-10-${String(day).padStart(2, '0')}T06:00:00.000Z`,
  ...change,
})

/** The compared versions, as `1-2`. */
async function compared(all: Info[], expired = 0) {
  const { ctx, asked } = await lake(all, [], expired)
  const { unchanged, open, meta } = await Restatements.get(ctx, { period: '2024-09' })
  const pairs = asked.flatMap(({ parameters }) => parameters.pairs ?? [])
  const numberOf = (key: string) => key.slice(`${partition}#`.length)
  return {
    pairs: pairs.map(({ earlier, later }) => `${numberOf(earlier)}-${numberOf(later)}`),
    files: asked.map(({ files }) => files.files.costs.join(' ')),
    counts: [unchanged, open],
    missing: meta.missing.map(({ kind, detail }) => [kind, detail]),
  }
}

test('compares the first version against the current one and every step, in one query', async () => {
  expect(await compared(versions([october(2), october(3), october(9)]))).toEqual({
    pairs: ['1-3', '1-2', '2-3'],
    files: ['costs-1 costs-2 costs-3'],
    counts: [0, 0],
    missing: [],
  })
})

test('begins with the first version after the end of the period that has its last day', async () => {
  const days = { first: '2024-09-01', last: '2024-09-29' }
  const september = { at: '2024-09-30T23:00:00.000Z' }
  expect(await compared(versions([september, october(1, { days }), october(2), october(3)]))).toMatchObject({
    pairs: ['3-4'],
  })
  const never = [september, october(1, { days }), october(2, { days })]
  expect(await compared(versions(never))).toMatchObject({ pairs: ['2-3'] })
})

test('one version since the end is no restatement, and a bill without one is open', async () => {
  const september = { at: '2024-09-30T23:00:00.000Z' }
  expect(await compared(versions([september, october(2)]))).toMatchObject({ pairs: [], files: [], counts: [1, 0] })
  expect(await compared(versions([september, september]))).toMatchObject({ pairs: [], files: [], counts: [0, 1] })
})

test('a rebuild is no restatement: its rows stand for the bill that it was made of', async () => {
  const rebuilt = october(20, { raw: 'imp_1' })
  expect(await compared(versions([october(2), rebuilt, rebuilt]))).toMatchObject({ pairs: [], counts: [1, 0] })
  const all = versions([october(2), rebuilt, october(21)])
  expect(await compared(all)).toMatchObject({ pairs: ['2-3'], files: ['costs-2 costs-3'] })
  const row: Row = {
    pair: 0,
    currency: 'USD',
    service: null,
    day: null,
    cause: 'price',
    rowsBefore: 1,
    rowsAfter: 1,
    before: '1',
    after: '2',
  }
  const { ctx } = await lake(all, [row])
  expect((await Restatements.get(ctx, {})).bills).toMatchObject([{ firstSeenAt: october(2).at, at: october(21).at }])
})

test('expired versions are named, unless they are of the time before the end', async () => {
  const expired = 'Older versions of the bill of AWS (1, 2024-09) expired. The comparison begins with version 2.'
  const all = versions([october(2), october(3), october(4)])
  expect(await compared(all, 1)).toMatchObject({ pairs: ['2-3'], missing: [['version', expired]] })
  expect(await compared(all, 2)).toMatchObject({
    pairs: [],
    counts: [1, 0],
    missing: [['version', expect.any(String)]],
  })
  const september = { at: '2024-09-30T23:00:00.000Z' }
  expect(await compared(versions([september, september, october(3), october(4)]), 1)).toMatchObject({ missing: [] })
})

test('of more than twelve versions, the first and the last eleven are compared', async () => {
  const { pairs } = await compared(versions(Array.from({ length: 15 }, (_, index) => october(index + 1))))
  expect(pairs.slice(0, 3)).toEqual(['1-15', '1-5', '5-6'])
  expect(pairs).toHaveLength(12)
})

test('the default is the last period that has ended', async () => {
  const bills = [snapshot({ provider: 'AWS', period: '2026-10' }), snapshot({ provider: 'AWS', period: '2026-11' })]
  expect((await Restatements.get((await lakeOf(bills)).ctx, {})).period).toBe('2026-10')
  expect((await Restatements.get((await lakeOf([])).ctx, {})).period).toBe('2026-11')
})

const cost = fc.integer({ min: -1e12, max: 1e12 }).map((n) => plain(parse(String(n)).div(1e9)))
const row: fc.Arbitrary<Row> = fc.record({
  pair: fc.integer({ min: 0, max: 2 }),
  currency: fc.constantFrom('USD', 'EUR'),
  service: fc.option(fc.integer({ min: 0, max: 40 }).map((n) => `s${n}`)),
  day: fc.constant(null),
  cause: fc.constantFrom('removed', 'price', 'credits', 'commitments', 'tax'),
  rowsBefore: fc.nat(9),
  rowsAfter: fc.nat(9),
  before: cost,
  after: cost,
})
const late = row.map((one): Row => ({ ...one, cause: 'lateUsage', day: '2024-09-30' }))

test('causes, services and days sum to the change, to the last digit', async () => {
  const all = versions([october(2), october(3), october(4)])
  const total = (texts: string[]) => plain(sum(texts.map(parse)))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(row, late), { maxLength: 80 }), async (rows) => {
      const { ctx } = await lake(all, rows)
      const { bills } = await Restatements.get(ctx, { period: '2024-09' })
      expect(bills.map(({ currency }) => currency)).toEqual(
        [...new Set(rows.map(({ currency }) => currency))].toSorted(),
      )
      for (const bill of bills) {
        for (const [pair, difference] of [bill, ...bill.steps].entries()) {
          const own = rows.filter((row) => row.pair === pair && row.currency === bill.currency)
          expect(difference.beforeExact).toBe(total(own.map(({ before }) => before)))
          expect(plain(parse(difference.afterExact).minus(parse(difference.beforeExact)))).toBe(difference.changeExact)
          expect(total(Object.values(difference.causes))).toBe(difference.changeExact)
          expect(total(difference.services.map(({ changeExact }) => changeExact))).toBe(difference.changeExact)
          expect(total(difference.lateUsage.map(({ costExact }) => costExact))).toBe(difference.causes.lateUsage)
          expect(difference.services.length).toBeLessThanOrEqual(21)
        }
      }
    }),
  )
})
