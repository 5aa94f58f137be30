import { expect, test } from 'vitest'
import type { Context } from '../../effects/context.ts'
import { adviceIn } from '../../testing/advice.ts'
import { lakeOf, snapshot } from '../../testing/cost-lake.ts'
import { executionIn } from '../../testing/execution.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import { measuredOf } from '../../recommendations/measure.ts'
import { measure } from './measure.ts'

const start = Date.parse('2026-10-01T00:00:00.000Z')
const day = (n: number) => new Date(start + n * 86_400_000).toISOString().slice(0, 10)
// The change came on day 31, 2026-11-01.
const changed = 31
const startedAt = `${day(changed)}T08:00:00.000Z`
const kept = 'arn:aws:ec2:eu-west-1:123456789012:snapshot/snap-1'

/** Bills until a day, of a volume for 10 a day until the change, and of its snapshot for 3 a day after it. */
async function world(last: number, currencies = ['USD']) {
  const bills = ['2026-10', '2026-11', '2026-12'].map((period) =>
    snapshot({ provider: 'AWS', period, at: day(last + 2) }),
  )
  const { ctx } = await lakeOf(bills.map((bill) => ({ ...bill, days: { first: day(0), last: day(last) } })))
  ctx.runtime.lake.query = async (_name, _files, parameters) => {
    const { ids } = parameters as { ids: string[] }
    const row = (id: string, n: number, cost: string) =>
      ids.includes(id) ? currencies.map((currency) => ({ id, day: day(n), currency, cost })) : []
    return Array.from({ length: last + 1 }, (_, n) => n).flatMap((n) =>
      n < changed ? row('vol-1', n, '10') : row(kept, n, '3'),
    ) as never
  }
  const info = { status: 'succeeded' as const, startedAt }
  const { id: executionId } = await executionIn(ctx, info, { state: 'done', memory: { kept: [kept] } })
  const at = (n: number): Context => ({ ...ctx, now: () => new Date(start + n * 86_400_000) })
  const measured = async () => (await ctx.tables.policyExecutions.get(ctx.orgId, executionId))?.measured
  return { ctx, executionId, at, measured }
}

test('what an action made and keeps lessens the saving, also of the recommendation', async () => {
  const { ctx, executionId, at, measured } = await world(changed + 30)
  expect(await measure(at(changed + 33), { executionId })).toEqual({ next: 'end' })
  // (10 - 3) x 30
  expect(await measured()).toMatchObject([{ days: 30, monthly: '210', currency: 'USD' }])
  const row = await adviceIn(ctx, { id: 'rec_1', saving: '300', resourceId: 'vol-1' })
  const completed = { ...row, status: 'completed' as const, endedAt: startedAt, executionId }
  expect(await measuredOf(ctx, await Snapshot.view(ctx), completed)).toMatchObject({ monthly: '210' })
})

test('it is measured again until the bills of thirty days are complete, for sixty days at most', async () => {
  const early = await world(changed + 27)
  expect(await measure(early.at(changed + 33), early)).toEqual({ next: 'again' })
  expect(await early.measured()).toMatchObject([{ days: 27 }])
  expect(await measure(early.at(changed + 61), early)).toEqual({ next: 'end' })
  const complete = await world(changed + 31)
  expect(await measure(complete.at(changed + 35), complete)).toEqual({ next: 'end' })
  expect(await complete.measured()).toMatchObject([{ days: 30 }])
})

test('a repetition measures the currencies that are left', async () => {
  const { ctx, executionId, at, measured } = await world(changed + 8, ['EUR', 'USD'])
  const [target] = await ctx.tables.executionTargets.all(ctx.orgId)
  if (!target) throw new Error('There is no target.')
  const other = { ...target, id: `${executionId}/002`, number: 2, monthlyCost: { amount: '1', currency: 'EUR' } }
  await ctx.tables.executionTargets.put(ctx.orgId, other)
  const { update } = ctx.tables.policyExecutions
  let calls = 0
  ctx.tables.policyExecutions.update = async (...given) => {
    if (++calls > 1) throw new Error('It is killed.')
    return await update(...given)
  }
  await expect(measure(at(changed + 11), { executionId })).rejects.toThrow('killed')
  ctx.tables.policyExecutions.update = update
  await measure(at(changed + 11), { executionId })
  expect((await measured())?.map(({ currency, days }) => `${days} ${currency}`).toSorted()).toEqual(['8 EUR', '8 USD'])
})
