import { expect, test } from 'vitest'
import type { Publication } from '../effects/exchange-rates.ts'
import { Fault } from '../kernel/fault.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as ExchangeRate from './rates.ts'

/** A product that fetches these publications, its clock and its log. */
function product(after: (day: string) => Promise<Publication[]>) {
  const runtime = memoryRuntime()
  const asked: string[] = []
  const warnings: string[] = []
  runtime.exchangeRates = { after: async (day) => (asked.push(day), await after(day)) }
  const clock = { at: '2026-11-03T16:00:00.000Z' }
  const warn = (_: string, { reason }: Record<string, unknown> = {}) => void warnings.push(String(reason))
  const log = { info: () => undefined, warn, error: () => undefined }
  return { ctx: testContext(runtime, { log, now: () => new Date(clock.at) }), runtime, asked, warnings, clock }
}
const published = (day: string, rate: string) => ({ day, rates: { USD: rate } })
const away = async () => await Promise.reject(new Fault('unavailable', 'The ECB does not answer.'))

test('without a fetch the bundled rates answer, with the source and their last day', async () => {
  const ctx = testContext(memoryRuntime())
  await ExchangeRate.refresh(ctx)
  const newest = await ExchangeRate.get(ctx, {})
  expect(newest).toMatchObject({ date: '2026-10-30', publishedOn: '2026-10-30', base: 'EUR', fetchedAt: null })
  expect(newest.rates).toContainEqual({ currency: 'USD', rate: 1.1172, rateExact: '1.1172' })
  expect(newest.rates).toHaveLength(27)
  // 3 November 2024 is a Sunday.
  expect(await ExchangeRate.get(ctx, { date: '2024-11-03' })).toMatchObject({ publishedOn: '2024-11-01' })
})

test.each(['2023-10-31', '2026-11-07', '2199-12-31'])('no rate is held for %s', async (date) => {
  const asked = ExchangeRate.get(testContext(memoryRuntime()), { date })
  await expect(asked).rejects.toMatchObject({ code: 'not_found' })
})

test('a fetch adds the publications after the last day, and a published day never changes', async () => {
  const answers = [
    [published('2026-11-02', '1.12'), published('2026-10-31', '1.11')],
    [published('2026-11-02', '9'), published('2026-11-03', '1.13')],
  ]
  const { ctx, asked, clock } = product(async () => answers.shift() ?? [])
  await ExchangeRate.refresh(ctx)
  clock.at = '2026-11-04T16:00:00.000Z'
  await ExchangeRate.refresh(ctx)
  expect(asked).toEqual(['2026-10-30', '2026-11-02'])
  const usdOn = async (date: string) => (await ExchangeRate.get(ctx, { date })).rates.map(({ rateExact }) => rateExact)
  expect([await usdOn('2026-10-31'), await usdOn('2026-11-02'), await usdOn('2026-11-03')]).toEqual([
    ['1.11'],
    ['1.12'],
    ['1.13'],
  ])
  expect(await ExchangeRate.held(ctx)).toEqual({ lastDay: '2026-11-03', fetchedAt: clock.at })
})

test('restarts fetch once within six hours', async () => {
  const { ctx, asked, clock } = product(async () => [])
  await ExchangeRate.refresh(ctx)
  clock.at = '2026-11-03T21:59:00.000Z'
  await ExchangeRate.refresh(ctx)
  expect(asked).toHaveLength(1)
  clock.at = '2026-11-03T22:01:00.000Z'
  await ExchangeRate.refresh(ctx)
  expect(asked).toHaveLength(2)
})

test('a failed fetch is logged and keeps the rates, and fails after four days without a success', async () => {
  const { ctx, runtime, warnings, clock } = product(async () => [published('2026-11-03', '1.13')])
  await ExchangeRate.refresh(ctx)
  const before = await ExchangeRate.get(ctx, {})
  runtime.exchangeRates = { after: away }
  clock.at = '2026-11-07T15:00:00.000Z'
  await ExchangeRate.refresh(ctx)
  expect(warnings).toEqual(['The ECB does not answer.'])
  expect(await ExchangeRate.get(ctx, {})).toEqual(before)
  clock.at = '2026-11-07T16:01:00.000Z'
  await expect(ExchangeRate.refresh(ctx)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a machine that was never online logs the failed fetch, and no error', async () => {
  const { ctx, warnings } = product(away)
  await ExchangeRate.refresh(ctx)
  expect(warnings).toHaveLength(1)
  expect(await ExchangeRate.held(ctx)).toEqual({ lastDay: '2026-10-30', fetchedAt: null })
})
