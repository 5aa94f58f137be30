import { expect, test } from 'vitest'
import type { Queries } from '../effects/queries.ts'
import * as Organization from '../organization/organization.ts'
import { lakeOf, september } from '../testing/cost-lake.ts'
import { coverage } from './coverage.ts'

type Row = Queries['tagCoverage']['row']
const line = (given: Partial<Row> & Pick<Row, 'part' | 'cost'>): Row => ({
  key: null,
  state: null,
  value: null,
  currency: 'USD',
  rateDay: null,
  ...given,
})
const rows: Row[] = [
  line({ part: 'total', cost: '100.000000000000000001' }),
  line({ part: 'total', cost: '7', currency: 'EUR' }),
  line({ part: 'tag', key: 'Team', state: 'allowed', cost: '60' }),
  line({ part: 'tag', key: 'Team', state: 'violating', cost: '5' }),
  line({ part: 'tag', key: 'Team', state: 'virtual', cost: '10.000000000000000001' }),
  line({ part: 'tag', key: 'Team', state: 'missing', cost: '25' }),
  line({ part: 'violation', key: 'Team', state: 'violating', value: 'Blue', cost: '1' }),
  line({ part: 'violation', key: 'Team', state: 'violating', value: 'bleu', cost: '4' }),
  line({ part: 'other', key: 'Stage', cost: '10' }),
  line({ part: 'other', key: 'Owner', cost: '40' }),
]

async function worldOf(snapshots = september) {
  const { ctx, asked } = await lakeOf(snapshots, [], { tagCoverage: rows })
  const tags = { required: [{ key: 'Team', allowedValues: ['blue'] }, { key: 'CostCenter' }], virtual: [] }
  await ctx.tables.organizations.put('org_test', Organization.founded('org_test', 'A', 'u', ctx.now(), { tags }))
  return { ctx, asked }
}

test('the coverage has each required tag with its parts, exact, and the other tags by cost', async () => {
  const { ctx, asked } = await worldOf()
  const answer = await coverage(ctx, {})
  expect(asked[0]?.parameters).toMatchObject({
    start: '2024-09-01',
    end: '2024-09-30',
    tags: [{ key: 'Team', allowedValues: ['blue'] }, { key: 'CostCenter' }],
  })
  expect(answer).toMatchObject({
    totalCostExact: '100.000000000000000001',
    currency: 'USD',
    required: [
      {
        key: 'Team',
        costExact: '75.000000000000000001',
        percentage: 75,
        allowed: { cost: 60 },
        violating: { cost: 5, percentage: 5 },
        virtual: { costExact: '10.000000000000000001' },
        missing: { cost: 25 },
        violations: [
          { value: 'bleu', cost: 4 },
          { value: 'Blue', cost: 1 },
        ],
      },
      { key: 'CostCenter', cost: 0, percentage: 0, violations: [] },
    ],
    others: [
      { key: 'Owner', cost: 40 },
      { key: 'Stage', cost: 10 },
    ],
  })
  // Other currencies are named, not added.
  expect(answer.meta.missing).toMatchObject([{ kind: 'exchange_rate', currency: 'EUR', amount: '7' }])
})

test('changed requirements change its ETag', async () => {
  const { ctx } = await worldOf()
  const before = await coverage.ask(ctx, {})
  await Organization.update(ctx, { tags: { required: [{ key: 'Other' }], virtual: [] } })
  const after = await coverage.ask(ctx, {})
  expect(after.tag).not.toBe(before.tag)
  expect((await after.answer()).value.required.map(({ key }) => key)).toEqual(['Other'])
})

test('an empty lake has no cost to cover, and a span has limits', async () => {
  const { ctx } = await worldOf([])
  expect(await coverage(ctx, {})).toMatchObject({ totalCost: 0, others: [], required: [{ missing: { cost: 0 } }, {}] })
  await expect(coverage(ctx, { startDate: '2020-01-01', endDate: '2024-09-30' })).rejects.toMatchObject({
    code: 'invalid',
  })
  await expect(coverage(ctx, { startDate: '2024-09-02', endDate: '2024-09-01' })).rejects.toMatchObject({
    code: 'invalid',
  })
  const viewer = { kind: 'user' as const, id: 'usr_2', permissions: new Set<never>() }
  await expect(coverage({ ...ctx, actor: viewer }, {})).rejects.toMatchObject({ code: 'forbidden' })
})
