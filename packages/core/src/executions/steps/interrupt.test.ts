import { expect, test } from 'vitest'
import { executionIn } from '../../testing/execution.ts'
import { memoryRuntime, testContext } from '../../testing/runtime.ts'
import { interruptAs } from './interrupt.ts'

const asked = { by: 'usr_cfo', at: '2026-11-23T09:00:00.000Z', reason: 'Too slow.', number: 1 }

test('an execution whose workflow is gone ends, unless a rollback was asked for meanwhile', async () => {
  const ctx = testContext(memoryRuntime())
  const seen = await executionIn(ctx, { status: 'executing' }, { state: 'acting' })
  const now = async () => (await ctx.tables.policyExecutions.get(ctx.orgId, seen.id))?.status
  await ctx.tables.policyExecutions.put(ctx.orgId, { ...seen, status: 'rolling_back', rollback: asked })
  await interruptAs(ctx, seen, 'Its workflow is gone.')
  expect(await now()).toBe('rolling_back')
  await interruptAs(ctx, { ...seen, rollback: asked }, 'Its workflow is gone.')
  expect(await now()).toBe('failed')
})
