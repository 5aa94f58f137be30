import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Calendar } from '@cloudoptima/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, signedIn } from './api.ts'
import { type Charge, focusBill } from './charges.ts'
import { openWorld, type World } from './world.ts'

// Anomalies from the bill to the event and the API, by the queues and functions of the product.

let folder: string
let world: World
let app: ApiClient
const began = Date.now()
let start = Date.parse('2036-10-31T06:00:00Z')
const heard: { id: string; at: number }[] = []

/** 80 a day on weekdays and 50 at weekends, and what a new machine costs on each of two days. */
function october(last: string, machine: number): Charge[] {
  const days = Array.from({ length: Calendar.daysIn({ start: '2036-10-01', end: last }) }, (_, n) =>
    Calendar.addDays('2036-10-01', n),
  )
  const added = machine === 0 ? [] : ['2036-10-28', '2036-10-29']
  return [
    ...days.map((day): Charge => ({ day, EffectiveCost: usualCost(day), PricingQuantity: usualCost(day) })),
    ...added.map((day): Charge => ({ day, ResourceId: 'i-new', EffectiveCost: `${machine}`, PricingQuantity: '24' })),
  ]
}
function usualCost(day: string): string {
  const isWeekend = [0, 6].includes(new Date(day).getUTCDay())
  return `${(isWeekend ? 50 : 80) + (Number(day.slice(8)) % 3)}`
}
const september: Charge[] = Array.from({ length: 30 }, (_, n) => Calendar.addDays('2036-09-01', n)).map((day) => ({
  day,
  EffectiveCost: usualCost(day),
  PricingQuantity: usualCost(day),
}))

let deliveries = 0
/** Imports a bill, and waits until its costs were judged. Returns when it was committed. */
async function bring(charges: Charge[]): Promise<number> {
  const path = join(folder, `${deliveries++}.csv`)
  await writeFile(path, focusBill(charges))
  const { ctx } = world
  const judgedBefore = (await ctx.tables.analyses.get(ctx.orgId, 'costs'))?.basis
  expect(await world.bring([path], { replace: true })).toMatchObject({ status: 'committed' })
  const committed = Date.now()
  for (;;) {
    const state = await ctx.tables.analyses.get(ctx.orgId, 'costs')
    if (state?.basis !== undefined && state.basis !== judgedBefore && !state.worker) break
    await sleep(50)
  }
  await world.delivered()
  return committed
}

interface Listed {
  id: string
  status: string
  service: string
  account: string
  start_date: string
  end_date: string
  impact_amount: number
  actual_cost_exact: string
  root_cause: string
  affected_resources: string[]
  withdrawn_because: string | null
}

async function json<Body>(path: string): Promise<Body> {
  const response = await app.request(`/v1/costs/anomalies${path}`)
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return JSON.parse(text) as Body
}
const listed = async () => (await json<{ anomalies: Listed[] }>('')).anomalies

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-anomalies-'))
  world = await openWorld({
    isWired: true,
    now: () => new Date(start + Date.now() - began),
    onEvent: ({ name, id }) => void (name === 'anomaly.detected' && heard.push({ id, at: Date.now() })),
  })
  app = await signedIn(world.ctx)
  await bring([...september, ...october('2036-10-27', 0)])
})
afterAll(async () => {
  await world.end()
  await rm(folder, { recursive: true, force: true })
})

test('an unusual cost is one anomaly with its reason, and its event comes within 60 s after the bill', async () => {
  expect([await listed(), heard]).toEqual([[], []])
  start = Date.parse('2036-11-03T06:00:00Z')
  app = await signedIn(world.ctx)
  const committed = await bring(october('2036-10-31', 300))
  const [anomaly, ...others] = await listed()
  expect(others).toEqual([])
  expect(anomaly).toMatchObject({
    status: 'active',
    account: 'shop',
    service: 'EC2',
    start_date: '2036-10-28',
    end_date: '2036-10-29',
    affected_resources: ['i-new'],
    root_cause: expect.stringContaining('i-new'),
    actual_cost_exact: `${600 + Number(usualCost('2036-10-28')) + Number(usualCost('2036-10-29'))}`,
  })
  expect(Math.abs((anomaly?.impact_amount ?? 0) - 600)).toBeLessThan(20)
  expect(heard).toHaveLength(1)
  expect((heard[0]?.at ?? Infinity) - committed).toBeLessThan(60_000)
  const { shares } = await json<{ shares: { dimension: string; value: string | null; change: string }[] }>(
    `/${anomaly?.id}`,
  )
  expect(shares).toContainEqual(expect.objectContaining({ dimension: 'resource', value: 'i-new', change: 'new' }))
})

test('a corrected bill withdraws it with the reason; if the cost returns, it is active again without an event', async () => {
  const [{ id } = { id: '' }] = await listed()
  await bring(october('2036-10-31', 0))
  expect(await listed()).toEqual([])
  expect(await json<Listed>(`/${id}`)).toMatchObject({
    status: 'withdrawn',
    withdrawn_because: expect.stringContaining('corrected'),
  })
  await bring(october('2036-10-31', 300))
  expect(await listed()).toMatchObject([{ id, status: 'active', withdrawn_because: null }])
  expect(heard).toHaveLength(1)
})
