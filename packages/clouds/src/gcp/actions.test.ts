import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Access, ActionName, ActionParameters, Resource, ResourceKind } from '@cloudoptima/core'
import { createClouds, gcpActionCalls } from '@cloudoptima/providers/access'
import { type ActionWorld, assertContract, type Fate, type FateOf } from '@cloudoptima/providers/testing/action'
import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import { openEstate } from '@cloudoptima/sample'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, serve } from '../server.ts'
import { gcpAnswers } from './cloud.ts'

const noon = new Date('2026-11-26T12:00:00Z')
const size = { seed: 3, rows: 16_000, months: 2, today: '2026-11-26' }
const estates = [openEstate('gcpUsd', size), openEstate('gcpGbp', size)]
let dir = ''
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'cloudoptima-gcp-'))))
afterAll(async () => await rm(dir, { recursive: true, force: true }))

/** What the client sees of a changing call. */
async function met(fate: Fate, answer: () => Promise<Answer>): Promise<Answer> {
  switch (fate) {
    case 'answered':
      return await answer()
    case 'unanswered':
      return { ...(await answer()), isLost: true }
    case 'lost':
      return { isLost: true }
    case 'throttled':
      // https://cloud.google.com/compute/docs/api/best-practices#quota_errors
      return { status: 403, body: { error: { code: 403, errors: [{ reason: 'rateLimitExceeded' }] } } }
  }
}

/** A new Google Cloud with the projects of the company, whose calls meet their fates once it is prepared. */
async function opened(projectId: string, fateOf: FateOf) {
  const world = { now: noon, isPrepared: false, authorization: '' }
  const gcp = await gcpAnswers({ estates, now: () => world.now, faults: { calls: [], bills: {} }, dir })
  const carriedOut = new Set<string>()
  const called = new Set<string>()
  const answer = async (request: ReceivedRequest): Promise<Answer> => {
    const { method, path, query, headers } = request
    world.authorization = headers.authorization ?? world.authorization
    const requestId = query.get('requestId') ?? ''
    if (method === 'GET' || path === '/token' || carriedOut.has(requestId) || !world.isPrepared)
      return await gcp.answer(request)
    const fate = fateOf(`${method} ${path.split('/').at(-1)}`)
    if (requestId !== '' && (fate === 'answered' || fate === 'unanswered')) carriedOut.add(requestId)
    return await met(fate, async () => await gcp.answer(request))
  }
  const server = await serve(answer)
  const { url } = server
  const { gcp: provider } = createClouds({ endpoints: { gcp: { token: `${url}/token`, api: url } } })
  const own = gcp
    .actingProjects(url)
    .flat()
    .find((each) => each.projectId === projectId)
  if (!own) throw new Error('The company has no such project')
  const access: Access = {
    credentials: { cloud: 'gcp', ...own },
    meter: { take: async ({ api }) => void (world.isPrepared && called.add(api)) },
    report: () => undefined,
    signal: AbortSignal.timeout(60_000),
    now: () => world.now,
  }
  const actionOf = async (wanted: ActionName) => {
    const action = await provider.action(access, wanted)
    if (!action) throw new Error(`Google Cloud has no ${wanted}`)
    return action
  }
  /** The items of all pages of a list. */
  const all = async (path: string): Promise<object[]> => {
    const items: object[] = []
    for (let pageToken: string | undefined = '0'; pageToken !== undefined;) {
      const query = new URLSearchParams({ pageToken })
      const headers = { authorization: world.authorization }
      const { body } = await gcp.answer({ method: 'GET', path, query, headers, body: '' })
      const page = body as { items: object[] | Record<string, Record<string, unknown>>; nextPageToken?: string }
      items.push(
        ...(Array.isArray(page.items)
          ? page.items
          : Object.values(page.items).flatMap((s) => Object.values(s).flat() as object[])),
      )
      pageToken = page.nextPageToken
    }
    return items
  }
  const inventory = async () => (await Array.fromAsync(provider.inventory(access))).flatMap((part) => part.resources)
  const pass = (seconds: number) => void (world.now = new Date(world.now.getTime() + seconds * 1000))
  const resources = await resourcesOf(projectId, inventory)
  return { world, actionOf, resources, all, pass, called, close: server.close }
}

type Opened = Awaited<ReturnType<typeof opened>>
const inventories = new Map<string, Promise<Resource[]>>()

/** At noon. */
async function resourcesOf(projectId: string, inventory: () => Promise<Resource[]>): Promise<Resource[]> {
  const known = inventories.get(projectId) ?? inventory()
  inventories.set(projectId, known)
  return await known
}

interface Given {
  index: number
  parameters: ActionParameters
  /** The instance of the resource, or the database, has been stopped before. */
  isStopped: boolean
}

/** Stops what an action needs to be stopped. */
async function stop({ actionOf, pass, resources }: Opened, one: Resource): Promise<void> {
  const target = one.kind === 'volume' ? resources.find(({ id }) => id === one.attachedTo) : one
  const name = target?.kind === 'instance' ? 'stop-instance' : target?.kind === 'database' ? 'stop-database' : undefined
  if (!target || !name) return
  const action = await actionOf(name)
  const before = (await action.readState(target)) ?? {}
  const plan = await action.plan({ target, parameters: {}, before })
  if (plan === 'done already' || 'refusal' in plan) return
  for (let memory = {}, isDone = false; !isDone; pass(30)) {
    const step = await action.act({ target, parameters: {}, before, after: plan.after, token: 'stopped', memory })
    isDone = step.state === 'done'
    memory = step.memory
  }
}

/** All that the undo brings back: the rest of the project must not change at all. */
const shown = (lost: readonly string[]) => (item: object) =>
  Object.fromEntries(Object.entries(item).filter(([field]) => !lost.includes(field)))

type Name = keyof typeof gcpActionCalls

const lists = {
  instance: ['aggregated/instances'],
  volume: ['aggregated/disks', 'aggregated/instances', 'global/snapshots'],
  snapshot: ['global/snapshots'],
  address: ['aggregated/addresses'],
  database: [],
} as const
/** The projects that have such resources; default: one that has most kinds. */
const homes: Partial<Record<keyof typeof lists, readonly string[]>> = {
  volume: ['larkfield-analytics-prod', 'larkfield-search-prod', 'larkfield-ml-research'],
  address: ['larkfield-analytics-stage', 'larkfield-uk-store'],
}
const lost = ['id', 'creationTimestamp', 'sourceSnapshot', 'sourceSnapshotId', 'lastDetachTimestamp']
/** Released, Google may have given them to somebody else. */
const lostOfAddress = [...lost, 'address']

/** The world of an action on one of the resources of a kind. */
const worldOf =
  (name: Name, kind: keyof typeof lists & ResourceKind) =>
  async ({ index, parameters, isStopped }: Given, fateOf: FateOf): Promise<ActionWorld> => {
    const projects = homes[kind] ?? ['larkfield-analytics-prod']
    const projectId = projects[index % projects.length] ?? ''
    const open = await opened(projectId, fateOf)
    const { world, actionOf, pass, close, resources } = open
    const some = resources.filter((one) => one.kind === kind)
    const target = some[index % some.length]
    if (!target) throw new Error(`The company has no ${kind}`)
    if (isStopped) await stop(open, target)
    const action = await actionOf(name)
    // A sign-in is none of its calls.
    world.isPrepared = true
    const everything = async () => {
      const all = await Promise.all(
        lists[kind].map(async (path) => await open.all(`/compute/v1/projects/${projectId}/${path}`)),
      )
      const names = (item: object) => String((item as { name?: string }).name)
      const items = all.flat().map(shown(kind === 'address' ? lostOfAddress : lost))
      const state = kind === 'database' ? await action.readState(target) : undefined
      return { state, items: items.toSorted((a, b) => names(a).localeCompare(names(b))) }
    }
    const checked = async () => {
      expect([...open.called].filter((api) => !gcpActionCalls[name].some((known) => known === api))).toEqual([])
      await close()
    }
    return { action, target, parameters, pass, everything, close: checked }
  }

const given = (parameters: fc.Arbitrary<ActionParameters> = fc.constant({})) =>
  fc.record({ index: fc.nat(50), parameters, isStopped: fc.boolean() })
const typed = (...types: string[]) => given(fc.record({ type: fc.constantFrom(...types) }))

test.each([
  ['stop-instance', 'instance', given()],
  ['start-instance', 'instance', given()],
  [
    'resize-instance',
    'instance',
    typed('n2-standard-2', 'e2-standard-8', 't2a-standard-4', 'n4-standard-2', 'n2-huge-1'),
  ],
  ['delete-volume', 'volume', given()],
  ['delete-snapshot', 'snapshot', given()],
  ['release-address', 'address', given()],
  ['stop-database', 'database', given()],
  ['start-database', 'database', given()],
  ['resize-database', 'database', typed('db-custom-2-8192', 'db-custom-3-8192', 'db-perf-optimized-N-2')],
] as const)(
  '%s keeps the contract of actions, whatever befalls its calls',
  async (name, kind, states) => {
    await expect(assertContract({ given: states, open: worldOf(name, kind), runs: 15 })).resolves.toBeUndefined()
  },
  120_000,
)

/** The changing calls of an action and of its undo, in order. */
async function played(name: Name, kind: keyof typeof lists, state: Given) {
  const calls: string[] = []
  const world = await worldOf(name, kind)(state, (call) => {
    calls.push(call)
    return 'answered'
  })
  const { action, target, parameters, pass, close } = world
  const before = (await action.readState(target)) ?? {}
  const plan = await action.plan({ target, parameters, before })
  if (plan === 'done already' || 'refusal' in plan) throw new Error(JSON.stringify(plan))
  const order = { target, parameters, before, after: plan.after, token: 'one', memory: {} }
  const until = async (step: 'act' | 'undo') => {
    for (let isDone = false; !isDone; pass(10)) {
      const answer = await action[step](order)
      order.memory = answer.memory
      isDone = answer.state === 'done'
    }
    return calls.splice(0)
  }
  const [acted, differences, undone] = [await until('act'), await action.verify(order), await until('undo')]
  await close?.()
  return { acted, differences, undone, lost: plan.lost }
}

test('a disk of a stopped instance is copied, detached and deleted, and comes back to its place', async () => {
  expect(await played('delete-volume', 'volume', { index: 3, parameters: {}, isStopped: true })).toEqual({
    acted: ['POST createSnapshot', 'POST detachDisk', 'DELETE insight-pd-04'],
    differences: [],
    undone: ['POST disks', 'POST attachDisk', 'DELETE cloudoptima-one'],
    lost: ['the id of the disk', 'the IAM policy and the tags that are bound to the disk itself'],
  })
})

test('a running instance stops, takes the type and starts, and so on the way back', async () => {
  const parameters = { type: 'e2-standard-8' }
  expect(await played('resize-instance', 'instance', { index: 0, parameters, isStopped: false })).toEqual({
    acted: ['POST stop', 'POST setMachineType', 'POST start'],
    differences: [],
    undone: ['POST stop', 'POST setMachineType', 'POST start'],
    lost: [],
  })
})

test('a released address is reserved again, as another one if Google has given it away', async () => {
  const state = { index: 0, parameters: {}, isStopped: false }
  const [first, second] = [
    await played('release-address', 'address', state),
    await played('release-address', 'address', { ...state, index: 1 }),
  ]
  expect([first.undone, second.undone]).toEqual([
    ['POST addresses', 'POST setLabels'],
    ['POST addresses', 'POST addresses'],
  ])
})
