import { expect, test, vi } from 'vitest'
import { lakeOf, september } from '../../testing/cost-lake.ts'
import { followed } from './follow.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

async function lake() {
  const { ctx, runtime, head } = await lakeOf(september)
  const land = async (version: number) => await runtime.tables.heads.put('org_test', { ...head, version })
  return { ctx, land }
}

test('a version is followed once, and a newer one again', async () => {
  const { ctx, land } = await lake()
  let version = 1
  const work = vi.fn(async () => version)
  expect(await followed(ctx, 'detect', 'imp_1', work)).toEqual({ outcome: 'followed' })
  expect(await followed(ctx, 'detect', 'imp_1', work)).toEqual({ outcome: 'followed' })
  expect(work).toHaveBeenCalledTimes(1)
  await land((version = 2))
  await followed(ctx, 'detect', 'imp_2', work)
  expect(work).toHaveBeenCalledTimes(2)
})

test('what lands while one works is left to it, and it looks again', async () => {
  const { ctx, land } = await lake()
  const seen: number[] = []
  let version = 1
  const work = async () => {
    seen.push(version)
    const began = version
    if (version === 1) {
      await land((version = 2))
      expect(await followed(ctx, 'detect', 'imp_2', work)).toEqual({ outcome: 'left to another' })
    }
    return began
  }
  await followed(ctx, 'detect', 'imp_1', work)
  expect(seen).toEqual([1, 2])
})

test('a killed step goes on when it runs again, and another takes over when its time is up', async () => {
  const { ctx } = await lake()
  const killed = async () => await Promise.reject(new Error('killed'))
  const work = vi.fn(async () => 1)
  await expect(followed(ctx, 'detect', 'imp_1', killed)).rejects.toThrow('killed')
  expect(await followed(ctx, 'detect', 'imp_2', work)).toEqual({ outcome: 'left to another' })
  const later = { ...ctx, now: () => new Date(ctx.now().getTime() + 901_000) }
  expect(await followed(later, 'detect', 'imp_2', work)).toEqual({ outcome: 'followed' })
  await expect(followed(ctx, 'track', 'imp_1', killed)).rejects.toThrow('killed')
  expect(await followed(ctx, 'track', 'imp_1', work)).toEqual({ outcome: 'followed' })
  expect(work).toHaveBeenCalledTimes(2)
})
