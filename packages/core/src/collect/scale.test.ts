import { setImmediate } from 'node:timers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type * as CloudAccount from '../accounts/cloud-account.ts'
import type { Call, CallLimit } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import { type Cloud, clouds } from '../kernel/cloud.ts'
import * as Id from '../kernel/id.ts'
import { randomOf } from '../testing/processes.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'
import { wiring } from '../wiring/wiring.ts'
import * as Envelope from '../guard/envelope.ts'
import * as Collect from './collect.ts'
import { planSources } from './plan.ts'
import * as Schedule from './schedule.ts'
import * as Source from './source.ts'

// Waits of the product and of the cloud pass in simulated time.
const clock = vi.hoisted(() => ({ ms: 0, sleeping: [] as { at: number; wake: () => void }[] }))
vi.mock(import('node:timers/promises'), async (original) => ({
  ...(await original()),
  setTimeout: ((ms = 0) => new Promise<void>((wake) => void clock.sleeping.push({ at: clock.ms + ms, wake }))) as never,
}))

const accounts = 1000
const organizations = 10
const processes = 4
const tenants = 2
const minuteMs = 60_000
const start = Date.parse('2026-11-28T08:00:00Z')

/** As the clouds limit their callers: by the account, or by the tenant of many accounts. */
const limitsOf: Record<Cloud, (account: number) => CallLimit[]> = {
  aws: (account) => [{ name: `aws/${account}/ce`, most: 5, windowSeconds: 1 }],
  azure: (account) =>
    [
      { most: 12, windowSeconds: 10 },
      { most: 60, windowSeconds: 60 },
      { most: 600, windowSeconds: 3600 },
    ].map((limit) => ({ ...limit, name: `azure/${account % tenants}/${limit.windowSeconds}` })),
  gcp: () => [{ name: 'gcp/all', most: 20, windowSeconds: 1 }],
}

/** Thousand accounts of ten organizations, four processes, and clouds that count the calls. */
async function world() {
  clock.ms = start
  const random = randomOf(1)
  const runtime = memoryRuntime()
  const now = () => new Date(clock.ms)
  const made = testContext(runtime, { now, newId: (prefix) => Id.create(prefix, now()) })
  const contexts = Array.from({ length: processes }, () => over(made, { ...runtime }))
  const looks = new Map<string, number[]>()
  const calls = new Map<string, number>()
  const called = async (meter: { take(call: Call): Promise<void> }, limits: CallLimit[]) => {
    await meter.take({ api: 'list', limits })
    for (const { name, windowSeconds } of limits) {
      const window = `${name} ${Math.floor(clock.ms / 1000 / windowSeconds)}`
      calls.set(window, (calls.get(window) ?? 0) + 1)
    }
    await sleep(500 + Math.floor(random() * 2000))
  }
  for (let n = 0; n < accounts; n++) {
    const orgId = `org_${n % organizations}`
    const ctx: Context = { ...made, orgId }
    const [id, provider] = [`acc_${n}`, clouds[n % clouds.length] ?? 'aws']
    const sealed = await Envelope.seal(ctx, `cloud-account/${id}`, JSON.stringify({ cloud: provider, roleArn: `${n}` }))
    const account = { id, provider, accountId: `${n}`, sealed, version: 1 } as CloudAccount.Info
    await ctx.tables.cloudAccounts.put(orgId, account)
    await planSources(ctx, id)
  }
  const limited = (credentials: unknown) => {
    const { cloud, roleArn } = credentials as { cloud: Cloud; roleArn: string }
    return limitsOf[cloud](Number(roleArn))
  }
  runtime.cloud.bills = async function* ({ meter }) {
    await called(meter, [])
    yield* []
  }
  runtime.cloud.preliminary = async function* ({ meter, credentials }) {
    for (let n = 0; n < 3; n++) await called(meter, limited(credentials))
    yield* []
  }
  runtime.cloud.inventory = async function* ({ meter, credentials }) {
    await called(meter, credentials.cloud === 'azure' ? [] : limited(credentials))
    yield* []
  }
  return { runtime, contexts, looks, calls, random }
}

type World = Awaited<ReturnType<typeof world>>

/** Delivers all messages, each queue with its concurrency, and lets time pass when all collections wait. */
async function consume({ runtime, contexts, looks, random }: World): Promise<Map<string, number>> {
  const active = new Map<string, number>()
  const most = new Map<string, number>()
  const running = () => [...active.values()].reduce((sum, count) => sum + count, 0)
  const begin = (queue: string, data: unknown, orgId: string) => {
    const count = (active.get(queue) ?? 0) + 1
    active.set(queue, count)
    most.set(queue, Math.max(most.get(queue) ?? 0, count))
    const input = Collect.Input.parse(data)
    const key = input.sourceId
    looks.set(key, [...(looks.get(key) ?? []), clock.ms])
    const context = contexts[Math.floor(random() * contexts.length)]
    if (!context) throw new Error('there is no process')
    void Collect.run({ ...context, orgId }, input).finally(() => active.set(queue, (active.get(queue) ?? 1) - 1))
  }
  const waiting = Map.groupBy(runtime.sent.splice(0).toReversed(), ({ queue }) => queue)
  while (running() > 0 || [...waiting.values()].some(({ length }) => length > 0)) {
    for (const [queue, messages] of waiting) {
      const { concurrency } = wiring.queues[queue as keyof typeof wiring.queues]
      while ((active.get(queue) ?? 0) < concurrency && messages.length > 0) {
        const message = messages.pop()
        if (message) begin(queue, message.data, message.options.orgId ?? '')
      }
    }
    if (clock.sleeping.length < running()) {
      await new Promise((turn) => setImmediate(turn))
      continue
    }
    clock.sleeping.sort((a, b) => a.at - b.at)
    const next = clock.sleeping.shift()
    if (!next) continue
    clock.ms = Math.max(clock.ms, next.at)
    next.wake()
    await new Promise((turn) => setImmediate(turn))
  }
  return most
}

test('of 1,000 accounts each source is collected once a period, none starves, and no limit is exceeded', async () => {
  const simulated = await world()
  const { runtime, looks, calls, contexts } = simulated
  const most = new Map<string, number>()
  let sent = 0
  for (let tick = 0; tick <= 65 / 5; tick++) {
    clock.ms = Math.max(clock.ms, start + tick * 5 * minuteMs)
    const [context] = contexts
    if (context) await Schedule.run(context, () => false)
    sent += runtime.sent.length
    for (const [queue, count] of await consume(simulated)) most.set(queue, Math.max(most.get(queue) ?? 0, count))
  }
  const gaps = Source.kinds.map((kind) => {
    const found = [...looks].filter(([id]) => id.endsWith(`/${kind}`))
    const between = found.flatMap(([, at]) => at.slice(1).map((time, n) => (time - (at[n] ?? 0)) / minuteMs))
    return { kind, sources: found.length, least: Math.min(...between), most: Math.max(...between) }
  })
  const busiest = [...calls].reduce((all, [window, count]) => {
    const name = window.replace(/\/\d+\/ce| \d+$/g, '').replace(/^azure\/\d+/, 'azure')
    return all.set(name, Math.max(all.get(name) ?? 0, count))
  }, new Map<string, number>())
  process.stdout.write(
    `${sent} messages for ${looks.size} sources in ${Math.round((clock.ms - start) / minuteMs)} minutes; at once: ` +
      `${[...most].join(' ')}; most calls of a window: ${[...busiest].join(' ')}; minutes between two looks: ` +
      `${gaps
        .filter(({ kind }) => kind !== 'costs')
        .map(({ kind, least, most: longest }) => `${kind} ${least.toFixed(1)}-${longest.toFixed(1)}`)
        .join(', ')}\n`,
  )
  expect(looks.size).toBe(accounts * Source.kinds.length)
  // A message begins one collection, and none is lost.
  expect([...looks.values()].reduce((sum, { length }) => sum + length, 0)).toBe(sent)
  for (const { kind, sources, least, most: longest } of gaps) {
    expect(sources).toBe(accounts)
    if (kind === 'costs') continue
    // The schedule runs every 5 minutes.
    expect(least).toBeGreaterThan(Source.freshness[kind] - 5)
    expect(longest).toBeLessThanOrEqual(Source.freshness[kind] + 10)
  }
  const daily = [...looks].filter(([id]) => id.endsWith('/costs'))
  expect(daily.map(([, at]) => at.length)).toEqual(daily.map(() => 1))
  for (const [queue, count] of most) expect(count).toBe(wiring.queues[queue as keyof typeof wiring.queues].concurrency)
  for (const [name, limit] of Object.entries({
    'azure/3600': 600,
    'azure/60': 60,
    'azure/10': 12,
    aws: 5,
    'gcp/all': 20,
  }))
    expect(busiest.get(name)).toBeLessThanOrEqual(limit)
  // The limits were felt.
  expect([busiest.get('azure/60'), busiest.get('azure/10'), busiest.get('gcp/all')]).toEqual([60, 12, 20])
}, 180_000)
