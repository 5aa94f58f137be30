import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Access, type ActionName, type ActionParameters, type ActionTarget } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import type { ActionWorld, Fate, FateOf } from '@cloudoptima/providers/testing/action'
import { openEstate } from '@cloudoptima/sample'
import { afterAll, beforeAll } from 'vitest'
import { type Answer, serve } from '../server.ts'
import { azureAnswers } from './cloud.ts'

const start = Date.parse('2026-11-26T12:00:00Z')
const estate = openEstate('azure', { seed: 3, rows: 16_000, months: 2, today: '2026-11-26' })
let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'cloudoptima-azure-'))))
afterAll(async () => await rm(dir, { recursive: true, force: true }))

type Request = Parameters<ReturnType<typeof azureAnswers>['answer']>[0]

/** A new Azure with its clock, as a subscription that has the type sees it. */
export async function openAzure(type: string) {
  const clock = { ms: start }
  const cloud = azureAnswers({ estate, now: () => new Date(clock.ms), faults: { calls: [], bills: {} }, dir })
  const has = ({ subscriptionId }: { subscriptionId: string }) =>
    estate.resources.some(({ fieldsAt }) => {
      const { ResourceId = '' } = fieldsAt(start / 3_600_000)
      return ResourceId.includes(subscriptionId) && ResourceId.toLowerCase().includes(type.toLowerCase())
    })
  const subscription = cloud.acting.find(has)
  if (!subscription) throw new Error('The company has a subscription')
  const request = (method: string, path: string, body: string, headers = {}): Request => {
    const { pathname, searchParams } = new URL(path, 'http://loopback')
    return { method, path: pathname, query: searchParams, headers: { host: 'loopback', ...headers }, body }
  }
  const { tenantId, clientId, clientSecret } = subscription
  const asked = { client_id: clientId, client_secret: clientSecret, scope: 'https://management.azure.com/.default' }
  const signedIn = await cloud.answer(
    request('POST', `/${tenantId}/oauth2/v2.0/token`, new URLSearchParams(asked).toString()),
  )
  const { access_token: token } = signedIn.body as { access_token: string }
  const ask = async (method: string, path: string, body: object | '' = '') =>
    await cloud.answer(request(method, path, body && JSON.stringify(body), { authorization: `Bearer ${token}` }))
  return { ...cloud, clock, subscription, ask }
}

export type Azure = Awaited<ReturnType<typeof openAzure>>

/** A resource as Resource Graph shows it. */
export interface Row {
  id: string
  location: string
  managedBy?: string
  sku?: { name: string }
  properties: Record<string, unknown>
}

/** The resources of a type in the subscription. */
export async function rowsOf({ ask, subscription: { subscriptionId } }: Azure, type: string): Promise<Row[]> {
  const found: Row[] = []
  for (let $skipToken: string | undefined; ;) {
    const options = { $top: 1000, ...($skipToken && { $skipToken }) }
    const query = { subscriptions: [subscriptionId], query: `resources | where type =~ '${type}'`, options }
    const { body } = await ask('POST', '/providers/Microsoft.ResourceGraph/resources', query)
    const page = body as { data: Row[]; $skipToken?: string }
    found.push(...page.data)
    if (page.$skipToken === undefined) return found
    ;({ $skipToken } = page)
  }
}

export const types = {
  instance: 'Microsoft.Compute/virtualMachines',
  volume: 'Microsoft.Compute/disks',
  snapshot: 'Microsoft.Compute/snapshots',
  address: 'Microsoft.Network/publicIPAddresses',
  container_service: 'Microsoft.Web/serverfarms',
} as const
export type Kind = keyof typeof types

/** What a plan calls lost, and the times of a resource that is made again. */
const lost = new Set(
  ['uniqueId', 'resourceGuid', 'ipAddress', 'timeCreated', 'LastOwnershipUpdateTime', 'creationData'].concat(
    // These follow from type and size.
    ['tier', 'diskIOPSReadWrite', 'diskMBpsReadWrite'],
  ),
)

async function everythingIn(cloud: Azure): Promise<unknown> {
  const all = await Promise.all(Object.values(types).map(async (type) => await rowsOf(cloud, type)))
  const left = (row: Row) => Object.fromEntries(Object.entries(row.properties).filter(([name]) => !lost.has(name)))
  return all
    .flat()
    .map((row) => ({ ...row, properties: left(row) }))
    .toSorted((a, b) => a.id.localeCompare(b.id))
}

const isChange = ({ method, path }: Request) => method !== 'GET' && path.startsWith('/subscriptions/')

/** Answers as the fate wants: a change is carried out or not, and is answered or not. */
async function befallen({ answer }: Azure, request: Request, fateOf: FateOf): Promise<Answer> {
  if (!isChange(request)) return await answer(request)
  // The type and the verb, without the name between.
  const [kind = '', , ...verb] = request.path.toLowerCase().split('/').slice(7)
  const fate: Fate = fateOf(`${request.method} ${[kind, ...verb].join('/')}`)
  switch (fate) {
    case 'throttled':
      return { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'TooManyRequests' } } }
    case 'lost':
      return { isLost: true }
    case 'unanswered':
      return { ...(await answer(request)), isLost: true }
    case 'answered':
      return await answer(request)
  }
}

function accessTo({ subscription, clock }: Azure, calls: string[]): Access {
  return {
    credentials: { cloud: 'azure', ...subscription },
    meter: { take: async ({ api }) => void calls.push(api) },
    report: () => {},
    signal: AbortSignal.timeout(60_000),
    now: () => new Date(clock.ms),
  }
}

/** The world of an action on a resource, with the calls that it makes. */
export async function openOn(
  cloud: Azure,
  name: ActionName,
  { kind, row, parameters }: { kind: Kind; row: Row; parameters: ActionParameters },
  fateOf: FateOf,
): Promise<ActionWorld & { calls: string[] }> {
  const calls: string[] = []
  const server = await serve(async (request) => await befallen(cloud, request, fateOf))
  const clouds = createClouds({ endpoints: { azure: { authority: server.url, resourceManager: server.url } } })
  const action = await clouds.azure.action(accessTo(cloud, calls), name)
  if (!action) throw new Error(`Azure has no ${name}`)
  const target: ActionTarget = { id: row.id.toLowerCase(), kind, region: row.location }
  return {
    calls,
    action,
    target,
    parameters,
    pass: (seconds) => void (cloud.clock.ms += seconds * 1000),
    everything: async () => await everythingIn(cloud),
    close: async () => await server.close(),
  }
}

const power = { running: 'start', deallocated: 'deallocate', stopped: 'powerOff' } as const
export type Power = keyof typeof power

/** Brings a machine into a state. */
export async function set(cloud: Azure, id: string, state: Power): Promise<void> {
  await cloud.ask('POST', `${id}/${power[state]}?api-version=2024-07-01`)
  cloud.clock.ms += 60_000
}
