import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ControlMetric, Queries } from '../effects/queries.ts'
import { parse, plain, sum } from '../kernel/money.ts'
import * as Reconciliation from './reconciliation.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

type Row = Queries['reconciliation']['row']

const kinds: Row['kind'][] = ['tax', 'credit', 'commitment_purchase', 'commitment_unused', 'commitment_used', 'other']

type Control = { currency: string; total: string; rows: number; metric: ControlMetric }[]

/** A bill in parts, the oldest first; the lake has the rows of each part. */
async function billInParts(...parts: { rows: Row[]; control: Control }[]) {
  const runtime = memoryRuntime(() => ({
    query: async (_, { files }) => files.cost_rollup.flatMap((file) => parts[Number(file)]?.rows ?? []),
  }))
  for (const [index, { control }] of parts.entries()) {
    const partition = `AWS/1/2024-09/${index}`
    await runtime.tables.partitions.put('org_test', {
      provider: 'AWS',
      billingAccountId: '1',
      period: '2024-09',
      rows: 3,
      days: { first: '2024-09-01', last: '2024-09-30' },
      totals: [],
      control,
      formats: ['focus-1.0'],
      siblings: 1,
      id: partition,
      partition,
      snapshotId: `imp_${index + 1}`,
      raw: `imp_${index + 1}`,
      version: 2 + index,
      lakeVersion: 1,
      at: `2024-10-0${5 + index}T00:00:00.000Z`,
      digest: 'd',
      kind: 'bill',
      files: { costs: ['c'], cost_rollup: [`${index}`] },
    })
  }
  const at = '2024-10-09T00:00:00.000Z'
  await runtime.tables.heads.put('org_test', { id: 'head', version: 1, at, moves: [], excluded: [] })
  return testContext(runtime)
}

const bill = async (rows: Row[], control: Control) => await billInParts({ rows, control })

const row = (kind: Row['kind'], billed: string, effective: string, list: string | null = null): Row => {
  return {
    provider: 'AWS',
    billingAccountId: '1',
    currency: 'USD',
    kind,
    rows: 1,
    billed,
    effective,
    list,
    contracted: null,
  }
}

test('has the control total, our total, and the differences between metrics', async () => {
  const rows = [
    row('commitment_purchase', '100', '0'),
    row('commitment_used', '0', '75'),
    row('commitment_unused', '0', '15'),
    row('tax', '8', '8'),
    row('other', '42.5', '42.5'),
  ]
  const ctx = await bill(rows, [{ currency: 'USD', total: '150.5', rows: 5, metric: 'billed' }])
  const answer = await Reconciliation.get(ctx, {})
  expect(answer).toMatchObject({
    period: '2024-09',
    reconciled: true,
    meta: { lakeVersion: 1, completeUntil: '2024-09-30' },
  })
  expect(answer.lines).toMatchObject([
    {
      billTotalExact: '150.5',
      ourTotalExact: '150.5',
      differenceExact: '0',
      billRows: 5,
      ourRows: 5,
      version: 2,
      costs: { billed: '150.5', effective: '140.5', list: null },
    },
  ])
  expect(answer.lines[0]?.explanations).toEqual([
    {
      from: 'billed',
      to: 'effective',
      difference: -10,
      differenceExact: '-10',
      components: {
        commitmentPurchases: '-100',
        commitmentUsed: '75',
        commitmentUnused: '15',
        credits: '0',
        tax: '0',
        other: '0',
      },
    },
  ])
})

test('the parts of a bill are reconciled together, and those that another metric controls by themselves', async () => {
  const part = (billed: string, total: string, metric: ControlMetric = 'billed') => ({
    rows: [row('other', billed, '5')],
    control: [{ currency: 'USD', total, rows: 1, metric }],
  })
  const ctx = await billInParts(part('42.5', '42.5'), part('9', '5', 'effective'), part('0.25', '0.25'))
  expect(await Reconciliation.get(ctx, {})).toMatchObject({
    reconciled: true,
    lines: [
      { metric: 'billed', billTotalExact: '42.75', ourTotalExact: '42.75', billRows: 2, ourRows: 2, importId: 'imp_3' },
      { metric: 'effective', billTotalExact: '5', ourTotalExact: '5', billRows: 1, ourRows: 1, importId: 'imp_2' },
    ],
  })
  const lost = await billInParts(part('42.5', '42.5'), part('9', '9.01'))
  expect(await Reconciliation.get(lost, {})).toMatchObject({ reconciled: false, lines: [{ differenceExact: '-0.01' }] })
})

test('a lost cent is a difference', async () => {
  const ctx = await bill(
    [row('other', '42.49', '42.49')],
    [{ currency: 'USD', total: '42.5', rows: 2, metric: 'billed' }],
  )
  expect(await Reconciliation.get(ctx, { period: '2024-09' })).toMatchObject({
    reconciled: false,
    lines: [{ difference: -0.01, differenceExact: '-0.01' }],
  })
})

test('a currency without rows in the lake is a difference of the whole bill', async () => {
  const ctx = await bill([], [{ currency: 'EUR', total: '3', rows: 1, metric: 'effective' }])
  expect(await Reconciliation.get(ctx, {})).toMatchObject({
    reconciled: false,
    lines: [{ currency: 'EUR', ourTotalExact: '0', differenceExact: '-3', ourRows: 0 }],
  })
})

test('a period without bills has no lines', async () => {
  const ctx = await bill([], [])
  expect(await Reconciliation.get(ctx, { period: '2023-01' })).toMatchObject({
    period: '2023-01',
    reconciled: true,
    lines: [],
  })
})

test('the components of every explanation add up to its difference, to the last digit', () => {
  const cost = fc.integer({ min: -1e12, max: 1e12 }).map((n) => plain(parse(String(n)).div(1e9)))
  const rows = fc.array(fc.tuple(fc.constantFrom(...kinds), cost, cost, fc.option(cost)), { maxLength: 6 })
  fc.assert(
    fc.property(rows, (given) => {
      const rows = given
        .filter(([kind], i) => given.findIndex(([other]) => other === kind) === i)
        .map((values) => row(...values))
      const billed = sum(rows.map(({ billed }) => parse(billed)))
      for (const { components, differenceExact } of [
        ...Reconciliation.explain(rows, billed, 'effective'),
        ...Reconciliation.explain(rows, billed, 'list'),
      ]) {
        expect(plain(sum(Object.values(components).map(parse)))).toBe(differenceExact)
      }
    }),
  )
})
