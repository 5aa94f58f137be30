import { describe, expect, test } from 'vitest'
import * as Cost from '../costs/cost.ts'
import * as Organization from '../organization/organization.ts'
import { lakeOf, row, september } from '../testing/cost-lake.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as Tags from './settings.ts'

const rule = { key: 'Team', value: 'blue', when: [], overwrite: false }
const asked = { startDate: '2024-09-01', endDate: '2024-09-02' }
const byTeam = { ...asked, groupBy: 'tag', tagKey: 'Team' } as const

describe('virtual tags', () => {
  test('reach the query of a grouping and of a filter by their key, and no other', async () => {
    const { ctx, asked: queries } = await lakeOf(september, [row('2024-09-01', '5')])
    const own = { ...ctx, virtualTags: [rule, { ...rule, key: 'Stage' }] }
    await Cost.overview(own, byTeam)
    await Cost.overview(own, { ...asked, filters: [{ dimension: 'tag', tagKey: 'Team', values: ['blue'] }] })
    await Cost.overview(own, { ...byTeam, tagKey: 'Other' })
    expect(queries.map(({ parameters }) => [parameters, ...parameters.filters])).toMatchObject([
      [{ virtualTags: [rule] }],
      [{}, { tagKey: 'Team', virtualTags: [rule] }],
      [{}],
    ])
    expect(queries[2]?.parameters).not.toHaveProperty('virtualTags')
  })

  test('are a part of the ETag: changed rules never get an answer of before', async () => {
    const { ctx } = await lakeOf(september, [row('2024-09-01', '5')])
    const tagOf = async (virtualTags: (typeof rule)[]) => (await Cost.overview.ask({ ...ctx, virtualTags }, byTeam)).tag
    const tags = [
      await tagOf([]),
      await tagOf([rule]),
      await tagOf([{ ...rule, value: 'red' }]),
      await tagOf([rule, rule]),
    ]
    expect(new Set(tags).size).toBe(4)
    expect(await tagOf([rule])).toBe(tags[1])
  })
})

describe('the settings of tags', () => {
  async function organization() {
    const ctx = testContext(memoryRuntime())
    await ctx.runtime.tables.organizations.put('org_test', Organization.founded('org_test', 'A', 'usr_1', ctx.now()))
    return ctx
  }

  test('name the required tags', async () => {
    const ctx = await organization()
    expect(await Tags.requiredTags(ctx)).toEqual([])
    const required = [{ key: 'Team' }, { key: 'Stage', allowedValues: ['live', 'test'] }]
    const changed = await Organization.update(ctx, { tags: { required, virtual: [rule] } })
    expect(changed.tags).toEqual({ required, virtual: [rule] })
    expect(await Tags.requiredTags(ctx)).toEqual(required)
    expect(await Tags.requiredTags({ ...ctx, orgId: 'org_other' })).toEqual([])
  })

  test.each([
    [{ required: [{ key: 'Team' }, { key: 'team' }], virtual: [] }],
    [{ required: [{ key: '' }], virtual: [] }],
    [{ required: [], virtual: [{ ...rule, when: [{ dimension: 'tag', values: ['x'] }] }] }],
    [{ required: [], virtual: [{ ...rule, when: [{ dimension: 'cost', values: ['x'] }] }] }],
    [{ required: [], virtual: Array.from({ length: 101 }, () => rule) }],
    [
      {
        required: [],
        virtual: [
          { ...rule, when: [{ dimension: 'service', values: Array.from({ length: 100 }, () => 'x'.repeat(1024)) }] },
        ],
      },
    ],
  ])('refuse %j', async (tags) => {
    const ctx = await organization()
    await expect(Organization.update(ctx, { tags: tags as never })).rejects.toMatchObject({ code: 'invalid' })
  })
})

test('a question that no request brings has the rules of the organization too', async () => {
  const ctx = testContext(memoryRuntime())
  expect((await Tags.withVirtualTags(ctx)).virtualTags).toEqual([])
  const tags = { required: [], virtual: [rule] }
  await ctx.runtime.tables.organizations.put(
    'org_test',
    Organization.founded('org_test', 'A', 'u', ctx.now(), { tags }),
  )
  expect((await Tags.withVirtualTags(ctx)).virtualTags).toEqual([rule])
})
