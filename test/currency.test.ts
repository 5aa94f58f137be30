import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Money } from '@cloudoptima/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

// Bills in two currencies, asked through the API over the lake's own queries.

/** Day, currency, service, resource, cost. 2024-09-07 is a Saturday. */
const charges = [
  ['2024-08-30', 'EUR', 'VM', 'vm-1', '7'],
  ['2024-09-05', 'EUR', 'VM', 'vm-1', '0.123456789012345678'],
  ['2024-09-06', 'EUR', 'VM', 'vm-1', '20'],
  ['2024-09-06', 'EUR', 'VM', 'vm-2', '30'],
  ['2024-09-07', 'EUR', 'Disk', 'disk-1', '-3.5'],
  ['2024-09-06', 'USD', 'VM', 'vm-3', '40'],
  // The most expensive resource, on no day.
  ['2024-09-05', 'EUR', 'VM', 'vm-5', '16'],
  ['2024-09-06', 'EUR', 'VM', 'vm-5', '16'],
  ['2024-09-07', 'EUR', 'VM', 'vm-5', '16'],
  ['2024-09-06', 'ZMW', 'VM', 'vm-4', '5'],
] as const
const header =
  'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,ServiceName,ResourceId,Tags'

interface Answer {
  total_cost_exact: string
  breakdown: { value: string | null; cost_exact: string }[]
  time_series: { date: string; cost_exact: string }[]
  meta: { rates?: object; missing: { currency?: string; amount?: string }[] }
}

let folder: string
let world: World
let app: ApiClient
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-currency-'))
  world = await openWorld()
  app = await signedIn(world.ctx)
  for (const [month, next] of [
    ['2024-08', '2024-09'],
    ['2024-09', '2024-10'],
  ]) {
    const rows = charges.filter(([day]) => day.startsWith(month ?? ''))
    const lines = rows.map(
      ([day, currency, service, resource, cost]) =>
        `${cost},${cost},1,${currency},${month}-01T00:00:00Z,${next}-01T00:00:00Z,${day}T00:00:00Z,${day}T12:00:00Z,Usage,Microsoft,${service},${resource},"{""Team"":""${service}""}"`,
    )
    await writeFile(join(folder, `${month}.csv`), [header, ...lines, ''].join('\n'))
    await world.bring([join(folder, `${month}.csv`)])
  }
})
afterAll(async () => {
  await world.end()
  await rm(folder, { recursive: true })
})

async function ask<Found = Answer>(path: string): Promise<Found> {
  const response = await app.request(`/v1/${path}`)
  const body = (await response.json()) as Found
  expect([response.status, body]).toEqual([200, body])
  return body
}

async function dollars(wanted: (charge: (typeof charges)[number]) => boolean): Promise<string> {
  const parts = charges
    .filter((charge) => charge[1] !== 'ZMW' && wanted(charge))
    .map(async ([day, currency, , , cost]) => {
      if (currency === 'USD') return Money.parse(cost)
      const { rates } = await ask<{ rates: { currency: string; rate_exact: string }[] }>(`currencies/rates?date=${day}`)
      return Money.parse(rates.find(({ currency }) => currency === 'USD')?.rate_exact ?? '').times(cost)
    })
  return Money.plain(Money.sum(await Promise.all(parts)))
}

const total = (lines: { cost_exact: string }[]) =>
  Money.plain(Money.sum(lines.map(({ cost_exact }) => Money.parse(cost_exact))))
const september = 'start_date=2024-09-01&end_date=2024-09-07'

test.each(['service', 'account', 'tag&tag_key=Team'])(
  'by %s, each charge is converted with the rate of its day, and the parts are the total to the last digit',
  async (by) => {
    const answer = await ask(`costs/overview?${september}&currency=USD&group_by=${by}`)
    const expected = await dollars(([day]) => day >= '2024-09')
    expect([answer.total_cost_exact, total(answer.breakdown), total(answer.time_series)]).toEqual([
      expected,
      expected,
      expected,
    ])
    expect(answer).toMatchObject({
      period_comparison: { previous_period_exact: await dollars(([day]) => day < '2024-09') },
    })
    expect(answer.meta).toMatchObject({
      missing: [{ kind: 'exchange_rate', currency: 'ZMW', amount: '5' }],
      rates: { first_day: '2024-08-30', last_day: '2024-09-06' },
    })
    const days = await ask(`costs/overview?${september}&currency=USD&granularity=daily`)
    for (const { date, cost_exact } of days.time_series)
      expect([date, cost_exact]).toEqual([date, await dollars(([day]) => day === date)])
  },
)

test('by service, months and resources are converted too, and the most expensive resources are those of all currencies', async () => {
  const { services } = await ask<{
    services: {
      service_name: string
      current_month_exact: string
      last_month_exact: string
      top_resources: { resource_id: string; cost_exact: string }[]
    }[]
  }>('costs/by-service?month=2024-09&currency=USD&top_resources=2')
  expect(services).toMatchObject([
    {
      service_name: 'VM',
      current_month_exact: await dollars(([day, , service]) => day >= '2024-09' && service === 'VM'),
      last_month_exact: await dollars(([day]) => day < '2024-09'),
      top_resources: [
        { resource_id: 'vm-5', cost_exact: await dollars(([, , , resource]) => resource === 'vm-5') },
        { resource_id: 'vm-3', cost_exact: '40' },
      ],
    },
    { service_name: 'Disk', current_month_exact: await dollars(([, , service]) => service === 'Disk') },
  ])
})

test('in the currency of its bill an amount stays as it is, and without a named currency nothing is converted', async () => {
  const converted = await ask(`costs/overview?${september}&currency=EUR&filter[service]=Disk`)
  expect(converted.total_cost_exact).toBe('-3.5')
  expect(converted.meta).not.toHaveProperty('rates')
  const plain = await ask(`costs/overview?${september}`)
  expect(plain).toMatchObject({ currency: 'EUR', total_cost_exact: '94.623456789012345678' })
  expect(plain.meta.missing.map(({ currency, amount }) => [currency, amount])).toEqual([
    ['USD', '40'],
    ['ZMW', '5'],
  ])
})
