import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Actor, type Event, noOrganization } from '@cloudoptima/core'
import { createLog, makeContext, noLake } from '@cloudoptima/runtime'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { boot, type Services } from '../packages/local/src/services/boot.ts'
import { type ContextOf, type Schedules, schedulesOf, workflowsOf } from '../packages/local/src/services/rows.ts'
import { demonstration } from './demonstration/wiring.ts'

// The same rows run as Lambda functions in the rehearsal: scripts/rehearsal/demonstration.ts.

const orgId = 'org_demonstration'
const patience = { timeout: 15_000, interval: 20 }
let dataDir: string
let services: Services
let schedules: Schedules

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
  const log = createLog({}, () => undefined)
  const contextsOver =
    (runtime: Services['runtime']): ContextOf =>
    ({ actor, ...given }) =>
      makeContext({ ...given, actor: Actor.system(actor), runtime, log })
  services = await boot({
    dataDir,
    log,
    lake: noLake,
    workflows: (runtime) => workflowsOf(demonstration, contextsOver(runtime)),
    queues: demonstration.queues,
    subscriptions: demonstration.subscriptions,
  })
  const contextOf = contextsOver(services.runtime)
  schedules = schedulesOf(demonstration, contextOf, log)
  schedules.startAll()
  services.consume(contextOf)
})

afterAll(async () => {
  await schedules.stop()
  await services.close()
  await rm(dataDir, { recursive: true })
})

/** The ids of an organization's marks that have this beginning, without it. */
async function marks(org: string, beginning: string): Promise<string[]> {
  const found = await services.runtime.tables.demoMarks.all(org, beginning)
  return found.map(({ id }) => id.slice(beginning.length))
}

test('a new schedule wakes its function, whose message wakes the consumer, whose event wakes the subscriber', async () => {
  await vi.waitFor(async () => {
    const ticked = await marks(noOrganization, 'ticked/')
    expect(ticked.length).toBeGreaterThan(0)
    expect(await marks(noOrganization, 'received/')).toEqual(ticked)
    expect(await marks(noOrganization, 'arrived/evt_')).toEqual(ticked)
  }, patience)
})

test('a new event wakes its subscriber, and changes nothing at its second delivery', async () => {
  const event = { id: 'evt_1', name: 'demo.arrived', orgId, at: '2026-11-23T00:00:00.000Z', data: { parcelId: 'p1' } }
  for (const _ of [1, 2]) await services.runtime.bus.publish(event as unknown as Event)
  await vi.waitFor(async () => expect(await marks(orgId, 'arrived/')).toEqual(['evt_1']), patience)
})

test('a new queue wakes its consumer; a message that it refuses twice becomes a dead letter', async () => {
  const { queues } = services.runtime
  for (const data of [{ parcelId: 'p2' }, { parcelId: 1 }, { parcelId: 'p3' }])
    await queues.send('demo-parcels', data, { orgId })
  await vi.waitFor(async () => {
    expect(await marks(orgId, 'received/')).toEqual(['p2', 'p3'])
    expect(await queues.depths(['demo-parcels'])).toMatchObject([{ waiting: 0, inFlight: 0, dead: 1 }])
  }, patience)
})

test('a new workflow maps its items, waits for its token and ends with the answer', async () => {
  const { tables, workflows } = services.runtime
  await workflows.start('demo-fan-out', 'run1', { orgId, run: 'run1', items: [1000, 2500, 3000] })
  const asked = await vi.waitFor(async () => {
    const mark = await tables.demoMarks.get(orgId, 'asked/run1')
    expect(mark).toMatchObject({ token: expect.any(String) as string })
    return mark
  }, patience)
  expect((await marks(orgId, 'weighed/run1/')).toSorted()).toEqual(['1000', '2500', '3000'])
  expect(await workflows.describe('demo-fan-out', 'run1')).toMatchObject({ status: 'running' })
  await workflows.succeed(asked?.token ?? '', { isApproved: true })
  await services.whenEnded('demo-fan-out', 'run1')
  expect(await workflows.describe('demo-fan-out', 'run1')).toMatchObject({
    status: 'succeeded',
    output: { weights: [1, 2.5, 3].map((kilograms) => ({ kilograms })), answer: { isApproved: true } },
  })
})
