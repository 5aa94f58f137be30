import { expect, test, vi } from 'vitest'
import { costForecast } from '../analytics/cost-forecast.ts'
import { lakeOf, september } from '../testing/cost-lake.ts'
import { once, requestDaily, run } from './analysis.ts'

async function lake() {
  const { ctx, runtime, head } = await lakeOf(september)
  const clock = { at: Date.parse('2026-11-28T08:00:00.000Z') }
  const land = async (version: number) => await runtime.tables.heads.put('org_test', { ...head, version })
  return { ctx: { ...ctx, now: () => new Date(clock.at) }, land, clock, sent: runtime.sent }
}

const whole = { isWhole: true }

test('a version is analyzed once, and a newer one again, ten seconds later', async () => {
  const { ctx, land, clock, sent } = await lake()
  const work = vi.fn(async () => whole)
  await once(ctx, 'costs', 'a', work)
  await once(ctx, 'costs', 'b', work)
  expect(work).toHaveBeenCalledTimes(1)
  await land(2)
  clock.at += 4_000
  await once(ctx, 'costs', 'c', work)
  expect(work).toHaveBeenCalledTimes(1)
  expect(sent).toMatchObject([{ queue: 'ml', options: { orgId: 'org_test', delaySeconds: 6 } }])
  clock.at += 6_000
  await once(ctx, 'costs', 'd', async () => whole)
  await once(ctx, 'costs', 'e', work)
  expect(work).toHaveBeenCalledTimes(1)
})

test('what lands while one works is left to it, and it asks for another analysis', async () => {
  const { ctx, land, sent } = await lake()
  const other = vi.fn(async () => whole)
  await once(ctx, 'costs', 'a', async () => {
    await land(2)
    await once(ctx, 'costs', 'b', other)
    return whole
  })
  expect(other).not.toHaveBeenCalled()
  expect(sent).toHaveLength(1)
})

test('a killed message goes on when it comes again, and another takes over when its time is up', async () => {
  const { ctx, clock } = await lake()
  const work = vi.fn(async () => whole)
  const killed = ctx.tables.analyses.update
  ctx.tables.analyses.update = async () => await Promise.reject(new Error('killed'))
  await expect(once(ctx, 'costs', 'a', async () => whole)).rejects.toThrow('killed')
  ctx.tables.analyses.update = killed
  await once(ctx, 'costs', 'b', work)
  expect(work).not.toHaveBeenCalled()
  await once(ctx, 'costs', 'a', work)
  expect(work).toHaveBeenCalledTimes(1)
  ctx.tables.analyses.update = async () => await Promise.reject(new Error('killed'))
  clock.at += 20_000
  await ctx.runtime.tables.analyses.remove('org_test', 'costs')
  await expect(once(ctx, 'costs', 'c', async () => whole)).rejects.toThrow('killed')
  ctx.tables.analyses.update = killed
  clock.at += 901_000
  await once(ctx, 'costs', 'd', work)
  expect(work).toHaveBeenCalledTimes(2)
})

test('an analysis that left work asks for another, which goes on with the same version', async () => {
  const { ctx, clock, sent } = await lake()
  await once(ctx, 'costs', 'a', async () => ({ isWhole: false }))
  expect(sent).toMatchObject([{ queue: 'ml', options: { delaySeconds: 10 } }])
  clock.at += 10_000
  const work = vi.fn(async () => whole)
  await once(ctx, 'costs', 'b', work)
  await once(ctx, 'costs', 'c', work)
  expect(work).toHaveBeenCalledTimes(1)
  expect(sent).toHaveLength(1)
})

test('a failed analysis leaves no claim, and its message fails each time', async () => {
  const { ctx, sent } = await lake()
  for (let n = 0; n < 3; n++)
    await expect(once(ctx, 'costs', 'a', () => Promise.reject(new Error('no lake')))).rejects.toThrow('no lake')
  expect(await ctx.tables.analyses.get('org_test', 'costs')).not.toHaveProperty('worker')
  expect(sent).toEqual([])
})

test('other settings are reason enough for another analysis', async () => {
  const { ctx, clock } = await lake()
  const work = vi.fn(async () => whole)
  await once(ctx, 'costs', 'a', work)
  await ctx.runtime.tables.organizations.put('org_test', { id: 'org_test', anomalies: { floorAmount: 5 } } as never)
  clock.at += 11_000
  await once(ctx, 'costs', 'b', work)
  await once(ctx, 'costs', 'c', work)
  expect(work).toHaveBeenCalledTimes(2)
})

test('an analysis of resources does not wait for one of costs', async () => {
  const { ctx, sent } = await lake()
  const other = vi.fn(async () => whole)
  await once(ctx, 'costs', 'a', async () => {
    await once(ctx, 'resources', 'b', other)
    return whole
  })
  expect(other).toHaveBeenCalledTimes(1)
  expect(sent).toEqual([])
})

test('each day resources of all organizations are judged', async () => {
  const { ctx, sent } = await lake()
  for (const id of ['org_a', 'org_b']) await ctx.runtime.tables.organizationIndex.put('identity', { id })
  await requestDaily(ctx)
  expect(sent.map(({ options }) => options.orgId)).toEqual(['org_a', 'org_b'])
})

test('an analysis keeps the forecast of the version', async () => {
  const { ctx } = await lake()
  ctx.runtime.lake.query = async () => []
  await run(ctx, { of: 'costs', ticket: 'a' })
  expect(await ctx.tables.answers.all('org_test')).toHaveLength(1)
  expect(await ctx.tables.analyses.get('org_test', 'costs')).toHaveProperty('basis')
})

test.each([[[]], [[{ key: 'Team', value: 'Data', when: [], overwrite: false }]]])(
  'a request finds the kept forecast, with the virtual tags %j',
  async (virtual) => {
    const { ctx } = await lake()
    await ctx.runtime.tables.organizations.put('org_test', {
      id: 'org_test',
      currency: 'EUR',
      tags: { required: [], virtual },
    } as never)
    ctx.runtime.lake.query = async () => []
    await run(ctx, { of: 'costs', ticket: 'a' })
    const { tag } = await costForecast.ask({ ...ctx, currency: 'EUR', virtualTags: virtual }, {})
    expect((await ctx.tables.answers.all('org_test')).map(({ id }) => id)).toEqual([tag])
  },
)
