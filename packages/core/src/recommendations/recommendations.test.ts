import { expect, test } from 'vitest'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { idOf } from './recommendation.ts'
import { adviceIn } from '../testing/advice.ts'
import { founded } from '../organization/organization.ts'
import { reopenUnlessDone } from './apply.ts'
import { apply, dismiss, ofResources, get, list, preview, reopen } from './recommendations.ts'

async function world() {
  const runtime = memoryRuntime()
  const clock = { at: Date.parse('2026-11-01T06:00:00.000Z') }
  const ctx = testContext(runtime, { now: () => new Date(clock.at) })
  await adviceIn(ctx, { id: 'rec_a', saving: '59.5', resourceId: 'vol-A' })
  await adviceIn(ctx, { id: 'rec_b', saving: '100', resourceId: 'vol-B', risk: 'high', foundAt: '2026-10-01' })
  await adviceIn(ctx, { id: 'rec_c', saving: '0.1', resourceId: 'vol-C', accountId: '2', currency: 'EUR' })
  await adviceIn(ctx, { id: 'rec_d', resourceId: 'vol-D' })
  return { ctx, clock }
}

type Ctx = Awaited<ReturnType<typeof world>>['ctx']
const idsOf = async (ctx: Ctx, input: Parameters<typeof list>[1] = {}) =>
  (await list(ctx, input)).recommendations.map(({ id }) => id.slice(4)).join('')

test('the list has each filter and order, and its summary counts what matches, whatever the page', async () => {
  const { ctx } = await world()
  expect(await idsOf(ctx)).toBe('bac')
  expect(await idsOf(ctx, { sortBy: 'savings' })).toBe('bac')
  expect(await idsOf(ctx, { sortBy: 'age' })).toBe('bac')
  expect(await idsOf(ctx, { sortBy: 'risk' })).toBe('acb')
  expect(await idsOf(ctx, { riskLevel: 'high' })).toBe('b')
  expect(await idsOf(ctx, { minSavings: 59.5 })).toBe('ba')
  expect(await idsOf(ctx, { accountId: '2' })).toBe('c')
  expect(await idsOf(ctx, { resourceId: 'VOL-a' })).toBe('a')
  expect(await idsOf(ctx, { category: 'compute' })).toBe('')
  expect(await idsOf(ctx, { status: 'insufficient_data' })).toBe('d')
  const { summary, pagination, recommendations } = await list(ctx, { pageSize: 1 })
  expect(recommendations).toHaveLength(1)
  expect(pagination).toMatchObject({ total: 3, totalPages: 3 })
  const savings = [
    { currency: 'EUR', monthly: 0.1, monthlyExact: '0.1' },
    { currency: 'USD', monthly: 159.5, monthlyExact: '159.5' },
  ]
  expect(summary).toMatchObject({ count: 3, savings, categories: [{ category: 'storage', count: 3, savings }] })
  expect(summary.insufficientData).toBe(1)
})

test('a saving that is at most so much says so, and is no part of the sum', async () => {
  const { ctx } = await world()
  await adviceIn(ctx, { id: 'rec_e', saving: '40', isAtMost: true, resourceId: 'vol-E' })
  const { summary, recommendations } = await list(ctx, {})
  const one = recommendations.find(({ id }) => id === 'rec_e')
  expect(one).toMatchObject({ savingsAreAtMost: true, description: expect.stringContaining('saves at most 40.00 USD') })
  expect(recommendations.filter(({ savingsAreAtMost }) => savingsAreAtMost)).toEqual([one])
  expect(summary.savings).toContainEqual({ currency: 'USD', monthly: 159.5, monthlyExact: '159.5' })
  expect(summary.savingsAtMost).toEqual([{ currency: 'USD', monthly: 40, monthlyExact: '40' }])
})

test('one that is dismissed counts no more, until its day comes or it is reopened', async () => {
  const { ctx, clock } = await world()
  const dismissed = await dismiss(ctx, { id: 'rec_a', reason: 'audit', until: '2026-11-10' })
  expect(dismissed).toMatchObject({ status: 'dismissed', dismissal: { reason: 'audit', scope: 'resource' } })
  expect([await idsOf(ctx), await idsOf(ctx, { status: 'dismissed' })]).toEqual(['bc', 'a'])
  clock.at = Date.parse('2026-11-10T00:00:00.000Z')
  expect([await idsOf(ctx), await idsOf(ctx, { status: 'dismissed' })]).toEqual(['bac', ''])
  await dismiss(ctx, { id: 'rec_a', reason: 'for ever', permanent: true })
  clock.at = Date.parse('2036-11-10T00:00:00.000Z')
  expect(await idsOf(ctx)).toBe('bc')
  expect(await reopen(ctx, { id: 'rec_a' })).toMatchObject({ status: 'active', dismissal: null })
  expect(await idsOf(ctx)).toBe('bac')
})

test('a rule is dismissed in its account, or everywhere, and comes back whole', async () => {
  const { ctx } = await world()
  await dismiss(ctx, { id: 'rec_a', reason: 'ours', scope: 'rule_here' })
  expect(await idsOf(ctx)).toBe('c')
  await dismiss(ctx, { id: 'rec_c', reason: 'ours', scope: 'rule_everywhere' })
  expect(await idsOf(ctx)).toBe('')
  await reopen(ctx, { id: 'rec_b' })
  expect(await idsOf(ctx)).toBe('bac')
})

test.each([
  [{ until: '2026-11-01' }, 'must lie in the future'],
  [{ until: '2026-12-01', permanent: true }, 'cannot be given with permanent'],
  [{ reason: '' }, 'reason'],
])('a dismissal with %j is refused', async (more, message) => {
  const { ctx } = await world()
  await expect(dismiss(ctx, { id: 'rec_a', reason: 'x', ...more })).rejects.toThrow(message)
})

test('one that is not chosen any more waits for the next analysis', async () => {
  const { ctx } = await world()
  await ctx.tables.recommendations.update(ctx.orgId, 'rec_a', (row) => ({ ...row, isChosen: false }))
  expect(await idsOf(ctx)).toBe('bc')
})

test('it is followed by an execution, once, after which it is open again unless it is done', async () => {
  const { ctx } = await world()
  await ctx.tables.organizations.put(ctx.orgId, founded(ctx.orgId, 'Example', 'usr_1', ctx.now()))
  const plan = await preview(ctx, { id: 'rec_a' })
  expect(plan.costImpact).toMatchObject({ currentMonthly: '80', projectedMonthly: '20.5', savings: '59.5' })
  expect(plan.resourceChanges).toMatchObject([{ resourceId: 'vol-A', changeType: 'delete', after: null }])
  const dry = await apply(ctx, { id: 'rec_a', dryRun: true })
  expect(dry).toMatchObject({ status: 'queued', estimatedCompletion: null, plan })
  const { executionId } = await apply(ctx, { id: 'rec_a' })
  expect(await ctx.tables.policyExecutions.get(ctx.orgId, executionId)).toMatchObject({
    status: 'planning',
    action: 'delete-volume',
    dryRun: false,
    safetyControls: { requireApproval: true, maxResourcesPerExecution: 1 },
    resources: [{ id: 'vol-A', kind: 'volume', region: 'eu-west-1', monthlyCost: { amount: '80', currency: 'USD' } }],
  })
  expect(await get(ctx, { id: 'rec_a' })).toMatchObject({ status: 'scheduled', executionId })
  await expect(apply(ctx, { id: 'rec_a' })).rejects.toThrow(executionId)
  await reopenUnlessDone(ctx, { data: { executionId, status: 'rejected' } })
  expect(await get(ctx, { id: 'rec_a' })).toMatchObject({ status: 'active', executionId: null })
  await expect(apply(ctx, { id: 'rec_d', dryRun: true })).rejects.toThrow('not enough data')
  await dismiss(ctx, { id: 'rec_a', reason: 'audit' })
  await expect(apply(ctx, { id: 'rec_a', dryRun: true })).rejects.toThrow('reopen it')
})

test('another organization sees nothing', async () => {
  const { ctx } = await world()
  const other = { ...ctx, orgId: 'org_other' }
  expect(await idsOf(other)).toBe('')
  for (const ask of [get, preview, reopen]) await expect(ask(other, { id: 'rec_a' })).rejects.toThrow('There is no')
})

test('a resource has the advice on itself, without what is dismissed', async () => {
  const { ctx } = await world()
  const [a, b] = [
    { cloud: 'aws', accountId: '1', id: 'vol-A' },
    { cloud: 'aws', accountId: '1', id: 'VOL-b' },
  ] as const
  const { id } = await adviceIn(ctx, { id: idOf(ctx.orgId, 'r1', a), saving: '5', resourceId: 'vol-A' })
  await adviceIn(ctx, { id: idOf(ctx.orgId, 'r2', a), resourceId: 'vol-A' })
  const counts = async () => (await ofResources(ctx, [a, b])).map((found) => found.map((one) => one.id))
  expect(await counts()).toEqual([[id], []])
  await dismiss(ctx, { id, reason: 'audit' })
  expect(await counts()).toEqual([[], []])
})
