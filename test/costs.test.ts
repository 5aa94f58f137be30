import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { type ApiClient, signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

const samples = resolve(import.meta.dirname, '../../shared/data')
const sample = join(samples, 'focus-sample/focus_sample.csv')
const hasSamples = process.env['CI'] !== undefined || existsSync(samples)
if (!hasSamples) process.stderr.write(`skipped: costs of the shared samples, because ${samples} is missing\n`)

async function ask<Answer = Overview>(app: ApiClient, query: string): Promise<Answer> {
  const response = await app.request(`/v1/costs/${query}`)
  const body: unknown = await response.json()
  expect([response.status, body]).toEqual([200, expect.any(Object)])
  return body as Answer
}

interface Overview {
  total_cost_exact: string
  breakdown: { dimension: string; cost_exact: string; percentage: number }[]
  time_series: { date: string; cost_exact: string }[]
  meta: { lake_version: number; missing: { kind: string }[] }
}

function total(lines: { cost_exact: string }[]): string {
  return Money.plain(Money.sum(lines.map(({ cost_exact }) => Money.parse(cost_exact))))
}

const all = 'start_date=2024-08-01&end_date=2024-10-31&metric=billed'

describe.skipIf(!hasSamples)('costs of the shared FOCUS sample', () => {
  let world: World
  let app: ApiClient

  beforeAll(async () => {
    world = await openWorld()
    app = await signedIn(world.ctx)
    await world.bring([sample])
  })
  afterAll(async () => await world.end())

  it.each([
    ['aws', '18.0066386184'],
    ['azure', '1.97651418586'],
    ['Oracle', '0.53707392473'],
    ['gcp', '0'],
  ])('%s bills %s in every granularity and by every dimension', async (cloud, billed) => {
    for (const granularity of ['daily', 'weekly', 'monthly']) {
      for (const by of ['service', 'region', 'account', 'tag&tag_key=environment']) {
        const answer = await ask(
          app,
          `overview?${all}&cloud_provider=${cloud}&granularity=${granularity}&group_by=${by}`,
        )
        expect([answer.total_cost_exact, total(answer.breakdown), total(answer.time_series)]).toEqual([
          billed,
          billed,
          billed,
        ])
      }
    }
  })

  it('by billing period, a charge of the next month counts in the month of its bill', async () => {
    const all = await ask(
      app,
      'overview?start_date=2024-09-01&end_date=2024-10-31&metric=billed&basis=billing&granularity=monthly',
    )
    const byCharge = await ask(
      app,
      'overview?start_date=2024-09-01&end_date=2024-10-31&metric=billed&granularity=monthly',
    )
    expect(total(all.time_series)).toBe(total(byCharge.time_series))
    const { lines } = await ask<{ lines: { provider: string; bill_total_exact: string }[] }>(
      app,
      'reconciliation?period=2024-09',
    )
    const billed = Money.plain(Money.sum(lines.map(({ bill_total_exact }) => Money.parse(bill_total_exact))))
    expect(all.time_series[0]).toMatchObject({ date: '2024-09-01', cost_exact: billed })
  })

  it('filters of one dimension add up, and a tag filter equals its line in the breakdown by tag', async () => {
    const byTag = await ask(app, `overview?${all}&group_by=tag&tag_key=environment`)
    const named = byTag.breakdown.filter(({ dimension }) => !dimension.startsWith('('))
    expect(named.length).toBeGreaterThan(1)
    for (const { dimension, cost_exact } of named) {
      const only = await ask(app, `overview?${all}&filter[tag:environment]=${encodeURIComponent(dimension)}`)
      expect(only.total_cost_exact).toBe(cost_exact)
    }
    const values = named.map(({ dimension }) => `filter[tag:environment]=${encodeURIComponent(dimension)}`).join('&')
    expect((await ask(app, `overview?${all}&${values}`)).total_cost_exact).toBe(total(named))
    expect((await ask(app, `overview?${all}&filter[service]=no'such--service`)).total_cost_exact).toBe('0')
  })

  it('an account has the same cost in the breakdown and as a filter', async () => {
    const { breakdown, total_cost_exact } = await ask(app, `overview?${all}&group_by=account`)
    expect(breakdown.length).toBeGreaterThan(1)
    for (const { dimension, cost_exact } of breakdown) {
      expect([
        dimension,
        (await ask(app, `overview?${all}&filter[account]=${encodeURIComponent(dimension)}`)).total_cost_exact,
      ]).toEqual([dimension, cost_exact])
    }
    const { lines } = await ask<{ lines: { billing_account_id: string }[] }>(app, 'reconciliation?period=2024-09')
    const payers = [
      ...new Set(
        lines.map(({ billing_account_id }) => `filter[billing_account]=${encodeURIComponent(billing_account_id)}`),
      ),
    ].join('&')
    expect((await ask(app, `overview?${all}&${payers}`)).total_cost_exact).toBe(total_cost_exact)
  })

  it('the services of a month add up to the overview of the month', async () => {
    const { services, month } = await ask<{
      month: string
      services: { current_month_exact: string; top_resources: { cost_exact: string }[] }[]
    }>(app, 'by-service?month=2024-09&metric=billed&top_resources=50')
    const sum = Money.plain(Money.sum(services.map(({ current_month_exact }) => Money.parse(current_month_exact))))
    expect(month).toBe('2024-09')
    expect(sum).toBe(
      (await ask(app, 'overview?start_date=2024-09-01&end_date=2024-09-30&metric=billed')).total_cost_exact,
    )
    expect(services.some(({ top_resources }) => top_resources.length > 0)).toBe(true)
  })

  it('reconciles every bill to the last digit, and explains every difference between metrics', async () => {
    const { reconciled, lines } = await ask<{
      reconciled: boolean
      lines: { explanations: { difference_exact: string; components: Record<string, string> }[] }[]
    }>(app, 'reconciliation?period=2024-09')
    expect(reconciled).toBe(true)
    expect(lines.length).toBeGreaterThanOrEqual(3)
    for (const { difference_exact, components } of lines.flatMap(({ explanations }) => explanations)) {
      expect(Money.plain(Money.sum(Object.values(components).map(Money.parse)))).toBe(difference_exact)
    }
  })

  it('an answer as of a time before the import is empty; one as of now equals the current answer', async () => {
    const before = await ask(app, `overview?${all}&as_of=2020-01-01T00:00:00Z`)
    expect(before).toMatchObject({ total_cost_exact: '0', meta: { lake_version: 0 } })
    const now = await ask(app, `overview?${all}&as_of=${new Date().toISOString()}`)
    expect(now.total_cost_exact).toBe((await ask(app, `overview?${all}`)).total_cost_exact)
  })

  it('refuses an unknown cloud and lists the providers in the lake', async () => {
    const response = await app.request('/v1/costs/overview?cloud_provider=nonsense')
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { errors: [{ path: 'cloud_provider', message: expect.stringMatching(/aws.*azure.*gcp.*Oracle/) }] },
    ])
  })

  it('another organization sees none of these costs', async () => {
    const other = await signedIn({ ...world.ctx, orgId: 'org_other' })
    for (const query of [`overview?${all}`, `overview?${all}&cloud_provider=aws`, 'overview'])
      expect((await ask(other, query)).total_cost_exact).toBe('0')
    expect((await ask<{ lines: unknown[] }>(other, 'reconciliation?period=2024-09')).lines).toEqual([])
    const tag = (await app.request(`/v1/costs/overview?${all}`)).headers.get('ETag') ?? ''
    expect((await other.request(`/v1/costs/overview?${all}`, { headers: { 'If-None-Match': tag } })).status).toBe(200)
  })
})

describe('a bill imported with the API', () => {
  it('appears in the costs; a restatement changes the ETag, and as_of returns the former costs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-costs-'))
    const world = await openWorld()
    const app = await signedIn(world.ctx)
    try {
      expect(await upload(app, world, await bill(folder, '12.345678901234567890'))).toBeUndefined()
      const first = await app.request('/v1/costs/overview?start_date=2024-09-01&end_date=2024-09-30')
      expect(await first.json()).toMatchObject({ total_cost_exact: '12.34567890123456789', currency: 'EUR' })
      const tag = first.headers.get('ETag') ?? ''
      const between = new Date().toISOString()
      await new Promise((wait) => setTimeout(wait, 5))

      expect(await upload(app, world, await bill(folder, '20.0000000000000000001'))).toEqual([
        'Costs with more than 18 decimals, rounded to 18: 2, in bill.csv.',
      ])
      const second = await app.request('/v1/costs/overview?start_date=2024-09-01&end_date=2024-09-30', {
        headers: { 'If-None-Match': tag },
      })
      expect(second.status).toBe(200)
      expect(await second.json()).toMatchObject({ total_cost_exact: '20' })
      const past = await app.request(`/v1/costs/overview?start_date=2024-09-01&end_date=2024-09-30&as_of=${between}`)
      expect(await past.json()).toMatchObject({ total_cost_exact: '12.34567890123456789', meta: { lake_version: 1 } })
    } finally {
      await world.end()
      await rm(folder, { recursive: true })
    }
  })
})

async function bill(folder: string, cost: string): Promise<string> {
  const header =
    'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName'
  const path = join(folder, `${cost}.csv`)
  await writeFile(
    path,
    `${header}\n${cost},${cost},1,EUR,2024-09-01T00:00:00Z,2024-10-01T00:00:00Z,2024-09-02T00:00:00Z,2024-09-03T00:00:00Z,Usage,AWS\n`,
  )
  return path
}

/** Uploads a bill beside a manifest. Returns the notes of the import. */
async function upload(app: ApiClient, world: World, path: string): Promise<string[] | undefined> {
  const bytes = await readFile(path)
  const contents = { 'bill.csv': bytes, 'manifest.json': Buffer.from('{}') }
  const announced = await app.request('/v1/imports', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      files: Object.entries(contents).map(([name, content]) => ({ name, bytes: content.byteLength })),
    }),
  })
  const { id, part_bytes, uploads } = (await announced.json()) as {
    id: string
    part_bytes: number
    uploads: { name: keyof typeof contents; urls: string[] }[]
  }
  for (const { name, urls } of uploads)
    for (const [part, url] of urls.entries()) {
      const body = contents[name].subarray(part * part_bytes, (part + 1) * part_bytes)
      expect((await fetch(url, { method: 'PUT', body })).status).toBe(200)
    }
  expect((await app.request(`/v1/imports/${id}/start`, { method: 'POST' })).status).toBe(202)
  // The URLs still work, and change nothing.
  for (const url of uploads[0]?.urls ?? [])
    expect((await fetch(url, { method: 'PUT', body: new Uint8Array(bytes.byteLength) })).status).toBe(200)
  await world.services.whenEnded('bills', id)
  const { blobs } = world.ctx.runtime
  expect(Buffer.from(await blobs.get(world.ctx.orgId, `raw/${id}/0/00000`))).toEqual(bytes)
  const ended = (await (await app.request(`/v1/imports/${id}`)).json()) as { notes?: string[] }
  expect(ended).toMatchObject({ status: 'committed', lake_version: expect.any(Number) })
  return ended.notes
}
