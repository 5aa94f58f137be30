import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Actor, CloudAccounts, Money, planSources, type Queue, wiring } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { makeContext } from '@cloudoptima/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SimulatedClouds, startClouds } from '../packages/clouds/src/start.ts'
import { type ApiClient, signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

// Accounts of three simulated clouds from their connection to the recommendations, by the functions that are deployed.

let dir: string
let clouds: SimulatedClouds
let world: World
let app: ApiClient
// The company has the same resources whenever the test runs.
const start = Date.parse('2036-11-26T12:00:00Z')
const began = Date.now()
/** A minute passes before each message, so that collections seldom wait for their quota. */
let passedMs = 0
let fixed: number | undefined
const messages: { queue: keyof typeof wiring.queues; message: unknown }[] = []
const now = () => new Date(fixed ?? start + Date.now() - began + passedMs)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloudoptima-advice-'))
  clouds = await startClouds({ dir, now, rows: 6000, months: 2 })
  const awsCredentials = { accessKeyId: 'ours', secretAccessKey: 'ours' }
  const simulated = createClouds({ endpoints: clouds.endpoints, awsCredentials })
  world = await openWorld({
    now,
    wrap: (runtime) => ({
      ...runtime,
      clouds: { ...simulated, aws: { ...simulated.aws, principal: async () => 'arn:aws:iam::111111111111:root' } },
      queues: {
        ...runtime.queues,
        send: async (queue, message) => void messages.push({ queue: queue as keyof typeof wiring.queues, message }),
      },
    }),
  })
  await connectAll()
  await consume()
  // No hour begins between two analyses.
  fixed = Math.ceil(now().getTime() / 3_600_000) * 3_600_000
  app = await signedIn(world.ctx)
}, 300_000)

afterAll(async () => {
  await world.end()
  await clouds.close()
  await rm(dir, { recursive: true, force: true })
})

const most = 3

/** Some accounts of each cloud, among them those with an export. */
async function connectAll(): Promise<void> {
  const { ctx } = world
  const { aws, azure, gcp } = clouds.roles
  const connected = []
  for (const role of Object.values(aws).slice(0, most)) {
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    role.trusts = (given) => given === externalId
    connected.push(await CloudAccounts.connectAws(ctx, { roleArn: role.roleArn, externalId }))
  }
  for (const subscription of Object.values(azure).slice(0, most))
    connected.push(await CloudAccounts.connectAzure(ctx, subscription))
  for (const { projectId, serviceAccount } of Object.values(gcp).slice(0, most)) {
    const serviceAccountJson = Buffer.from(JSON.stringify(serviceAccount)).toString('base64')
    connected.push(await CloudAccounts.connectGcp(ctx, { projectId, serviceAccountJson }))
  }
  expect(connected.map(({ status }) => status)).toEqual(connected.map(() => 'active'))
  for (const { id } of connected) await planSources(ctx, id)
}

/** Delivers all messages to the consumers of their queues, and waits for the imports that these start. */
async function consume(): Promise<void> {
  while (messages.length > 0) {
    for (const { queue, message } of messages.splice(0)) {
      passedMs += 60_000
      const { consumer }: Queue = wiring.queues[queue]
      await consumer?.run(world.ctx, message)
    }
    for (const { id } of await world.ctx.tables.imports.all(world.ctx.orgId))
      await world.services.whenEnded('bills', id)
  }
}

/** The message of an analysis, as the subscriptions send it. */
async function judge(ticket: string): Promise<void> {
  messages.push({ queue: 'ml', message: { of: 'resources', ticket } })
  await consume()
}

interface Listed {
  id: string
  provider: string
  rule: string
  currency: string | null
  estimated_savings_monthly_exact: string | null
  affected_resources: { id: string }[]
}

async function json<Body>(path: string, client = app): Promise<Body> {
  const response = await client.request(`/v1/${path}`)
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return JSON.parse(text) as Body
}

const listed = async (client = app) =>
  (await json<{ recommendations: Listed[] }>('recommendations?page_size=100', client)).recommendations

test('an analysis finds recommendations on three clouds', async () => {
  await judge('first')
  const found = await listed()
  expect(new Set(found.map(({ provider }) => provider))).toEqual(new Set(['aws', 'azure', 'gcp']))
})

test('their savings in each currency are at most what their resources cost', async () => {
  const found = await listed()
  const add = (sums: Map<string, Money.Amount>, currency: string, amount: string) =>
    sums.set(currency, (sums.get(currency) ?? Money.zero).plus(Money.parse(amount)))
  const [saved, spent] = [new Map<string, Money.Amount>(), new Map<string, Money.Amount>()]
  for (const { currency, estimated_savings_monthly_exact: saving } of found)
    if (currency !== null && saving !== null) add(saved, currency, saving)
  const ids = new Set(found.flatMap(({ affected_resources: affected }) => affected.map(({ id }) => id)))
  for (const id of ids) {
    const resource = await json<{ monthly_cost_exact: string; currency: string }>(`resources/${encodeURIComponent(id)}`)
    add(spent, resource.currency, resource.monthly_cost_exact)
  }
  expect(saved.size).toBeGreaterThan(0)
  for (const [currency, amount] of saved) {
    expect(amount.gt(0)).toBe(true)
    expect(amount.lte(spent.get(currency) ?? 0)).toBe(true)
  }
})

test('another organization sees none of them', async () => {
  const [one] = await listed()
  const ctx = makeContext({ orgId: 'org_other', actor: Actor.system('test'), runtime: world.ctx.runtime, now })
  const other = await signedIn(ctx)
  expect(await listed(other)).toEqual([])
  expect((await other.request(`/v1/recommendations/${one?.id}`)).status).toBe(404)
})

test('a second analysis of the same resources changes nothing', async () => {
  const { ctx } = world
  const before = await ctx.tables.recommendations.all(ctx.orgId)
  const made = await ctx.tables.analyses.get(ctx.orgId, 'resources')
  // Another setting is reason enough for another analysis.
  await ctx.tables.organizations.update(ctx.orgId, ctx.orgId, (found) => ({
    ...found,
    recommendations: { floorAmount: 1 },
  }))
  fixed = now().getTime() + 60_000
  await judge('second')
  const again = await ctx.tables.analyses.get(ctx.orgId, 'resources')
  expect(before.length).toBeGreaterThan(0)
  expect(again?.endedAt).not.toBe(made?.endedAt)
  expect(await ctx.tables.recommendations.all(ctx.orgId)).toEqual(before)
})
