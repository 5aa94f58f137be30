import { describe, expect, test } from 'vitest'
import * as Cost from './cost.ts'
import { Fault } from '../kernel/fault.ts'
import { lakeOf, row, september } from '../testing/cost-lake.ts'

describe('answers are cached', () => {
  test('until the lake changes, separately for each organization', async () => {
    const { ctx, asked, runtime, head } = await lakeOf(september, [row('2024-09-01', '5')])
    const first = await Cost.overview.ask(ctx, {})
    await first.answer()
    await Promise.all([Cost.overview(ctx, {}), Cost.overview(ctx, { granularity: 'daily' })])
    expect(asked).toHaveLength(1)
    await runtime.tables.heads.put('org_other', head)
    expect((await Cost.overview({ ...ctx, orgId: 'org_other' }, {})).totalCost).toBe(0)
    await runtime.tables.heads.put('org_test', { ...head, version: 2 })
    const later = await Cost.overview.ask(ctx, {})
    expect(later.tag).not.toBe(first.tag)
    await later.answer()
    expect(asked).toHaveLength(2)
  })

  test('a failure is not cached', async () => {
    const { ctx, runtime } = await lakeOf(september)
    const { query } = runtime.lake
    runtime.lake.query = async () => {
      throw new Fault('unavailable', 'Not now.')
    }
    await expect(Cost.overview(ctx, {})).rejects.toThrow('Not now.')
    runtime.lake.query = query
    expect((await Cost.overview(ctx, {})).totalCost).toBe(0)
  })

  test('equal concurrent questions share one query', async () => {
    const { ctx, asked } = await lakeOf(september)
    await Promise.all(Array.from({ length: 20 }, () => Cost.overview(ctx, {})))
    expect(asked).toHaveLength(1)
  })
})
