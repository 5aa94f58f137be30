import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CloudAccounts, Collect, type Measurement, planSources, type Resource } from '@cloudoptima/core'
import { executionIn, memoryRuntime, type MemoryRuntime } from '@cloudoptima/core/testing'
import { generateSample } from '@cloudoptima/sample'
import { type ApiClient, signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

const account = '104857600001'
const today = new Date().toISOString().slice(0, 10)
const daysAgo = (days: number) => new Date(Date.parse(today) - days * 86_400_000).toISOString()

let dir: string
let world: World
let app: ApiClient
let id: string
/** The instance of the bill with the most rows, and its effective cost by day, summed in integers. */
let status = 'running'
let known: { resourceId: string; byDay: Map<string, bigint> }
const messages: unknown[] = []
const double = memoryRuntime()

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloudoptima-collect-'))
  const sample = await generateSample({ dir: join(dir, 'bills'), today, months: 2, rows: 4000 })
  const bills = sample.files.map(({ path }) => path).filter((path) => path.includes('/aws-'))
  known = await instanceOf(bills)
  world = await openWorld({
    wrap: (runtime) => ({
      ...runtime,
      clouds: double.clouds,
      queues: { ...runtime.queues, send: async (_, message) => void messages.push(message) },
    }),
  })
  app = await signedIn(world.ctx)
  double.cloud = cloudOf(bills)
  const { externalId } = await CloudAccounts.setupAws(world.ctx, {})
  id = (await CloudAccounts.connectAws(world.ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })).id
  await planSources(world.ctx, id)
  // The first inventory asks for the utilization of its resources.
  for (const sent of [4, 1]) {
    expect(messages).toHaveLength(sent)
    for (const message of messages.splice(0)) await Collect.run(world.ctx, Collect.Input.parse(message))
  }
})

afterAll(async () => {
  await world.end()
  await rm(dir, { recursive: true, force: true })
})

/** A cloud that delivers each bill, one instance of it, and an hour of its use. */
function cloudOf(bills: readonly string[]): MemoryRuntime['cloud'] {
  const resource: Resource = {
    id: known.resourceId,
    kind: 'instance',
    name: 'web-1',
    type: 'm6i.xlarge',
    status: 'running',
    region: 'eu-west-1',
    createdAt: daysAgo(19),
    tags: { team: 'blue' },
    configuration: { EbsOptimized: true },
  }
  const measured = (metric: Measurement['metric'], average: number): Measurement => ({
    resourceId: known.resourceId,
    hour: daysAgo(0),
    metric,
    average,
    maximum: 2 * average,
  })
  return {
    async *bills() {
      for (const path of bills) {
        const period = /focus-(\d{4}-\d\d)/.exec(path)?.[1] ?? ''
        const fetch = async (folder: string) => {
          await copyFile(path, join(folder, 'bill'))
          return [{ name: basename(path), path: join(folder, 'bill') }]
        }
        yield { id: `focus/${period}`, period, version: '1', fetch }
      }
    },
    async *preliminary() {
      yield* []
    },
    async *prices() {
      yield* []
    },
    async *inventory() {
      yield { part: 'ec2:instances/eu-west-1', resources: [{ ...resource, status }] }
    },
    async *utilization(_, { day }) {
      if (!daysAgo(0).startsWith(day)) return
      yield [measured('cpu', 30), measured('network_in', 5e8), measured('network_out', 5e8)]
    },
  }
}

/** Costs as integers of 10^-12. */
async function instanceOf(bills: readonly string[]): Promise<typeof known> {
  const byResource = new Map<string, Map<string, bigint>>()
  for (const path of bills) {
    const [header = '', ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n')
    const fields = (line: string) =>
      line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.map((field) => field.replace(/,$/, '')) ?? []
    const names = fields(header)
    const [resource, cost, start] = ['ResourceId', 'EffectiveCost', 'ChargePeriodStart'].map((name) =>
      names.indexOf(name),
    )
    for (const line of lines) {
      const row = fields(line)
      const resourceId = row[resource ?? -1] ?? ''
      if (!resourceId.includes(':instance/')) continue
      const byDay = byResource.get(resourceId) ?? new Map<string, bigint>()
      const day = (row[start ?? -1] ?? '').slice(0, 10)
      byDay.set(day, (byDay.get(day) ?? 0n) + scaled(row[cost ?? -1] ?? '0'))
      byResource.set(resourceId, byDay)
    }
  }
  const [most] = [...byResource].toSorted(([, a], [, b]) => b.size - a.size)
  if (!most) throw new Error('the sample has no instance')
  return { resourceId: most[0], byDay: most[1] }
}

function scaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(12, '0'))
}

async function json<Body>(path: string, body?: object): Promise<Body> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await app.request(`/v1/${path}`, body && { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  expect([response.status, text]).toEqual([expect.toBeOneOf([200, 202]), text])
  return JSON.parse(text) as Body
}

interface Syncs {
  sources: { kind: string; status: string; problems: unknown[] }[]
  syncs: { kind: string; status: string; imports: string[]; rows: number }[]
}

test('connecting an account collects its bills, resources and utilization', async () => {
  const { sources, syncs } = await json<Syncs>(`cloud-accounts/${id}/syncs`)
  expect(sources.map(({ kind, problems }) => [kind, problems])).toEqual(
    ['bills', 'costs', 'inventory', 'utilization'].map((kind) => [kind, []]),
  )
  const bills = syncs.find(({ kind }) => kind === 'bills')
  expect(bills?.imports).toHaveLength(2)
  for (const importId of bills?.imports ?? []) await world.services.whenEnded('bills', importId)
  for (const importId of bills?.imports ?? [])
    expect(await json(`imports/${importId}`)).toMatchObject({
      status: 'committed',
      origin: { source: expect.stringContaining(`aws/${account}/focus/`) },
    })
})

test('a resource has its tags, utilization, exact costs of each day, and where they come from', async () => {
  const { resources, pagination } = await json<{ resources: Record<string, unknown>[]; pagination: { total: number } }>(
    'resources/compute?filter[tag:team]=blue',
  )
  expect(pagination.total).toBe(1)
  expect(resources[0]).toMatchObject({
    id: known.resourceId,
    age_days: 19,
    tags: { team: 'blue' },
    utilization: { cpu_avg: 30, memory_avg: null, network_gb: 1 },
    optimization_score: 50,
    currency: 'USD',
  })
  const detail = await json<{
    cost_history: { day: string; cost_exact: string }[]
    utilization_history: { metric: string }[]
    monthly_cost_exact: string
    snapshot: { files: string[] }
    configuration: object
  }>(`resources/${encodeURIComponent(known.resourceId)}`)
  const days = detail.cost_history.map(({ day, cost_exact: cost }) => [day, scaled(cost)] as const)
  expect(days.length).toBeGreaterThan(20)
  expect(days).toEqual(days.map(([day]) => [day, known.byDay.get(day)]))
  expect(scaled(detail.monthly_cost_exact)).toBe(days.reduce((sum, [, cost]) => sum + cost, 0n))
  expect(detail).toMatchObject({ configuration: { EbsOptimized: true }, utilization_history: { length: 3 } })
  expect(detail.snapshot.files).toHaveLength(1)
  expect(detail).toMatchObject({ executions: [] })
  const target = { id: known.resourceId, kind: 'instance', region: 'eu-west-1' } as const
  const { id: executionId } = await executionIn(world.ctx, {}, { accountId: account, target })
  expect(await json(`resources/${encodeURIComponent(known.resourceId)}`)).toMatchObject({
    executions: [
      { id: executionId, action: 'delete-volume', stage: 'awaiting_approval', at: '2026-11-23T08:00:00.000Z' },
    ],
  })
  expect((await json<{ resources: unknown[] }>('resources/compute?filter[tag:team]=red')).resources).toEqual([])
  expect((await json<{ volumes: unknown[] }>('resources/storage')).volumes).toEqual([])
})

test('a resource that stops is announced, and its page says what changed', async () => {
  status = 'stopped'
  await json(`cloud-accounts/${id}/sync`, { kinds: ['inventory'] })
  for (const message of messages.splice(0)) await Collect.run(world.ctx, Collect.Input.parse(message))
  const { changes } = await json<{ changes: unknown }>(`resources/${encodeURIComponent(known.resourceId)}`)
  const state = { type: 'm6i.xlarge', size_gb: null }
  expect(changes).toMatchObject([
    { change: 'stopped', before: { ...state, status: 'running' }, after: { ...state, status: 'stopped' } },
  ])
})
