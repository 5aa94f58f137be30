import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Resource, resourceKinds } from '@cloudoptima/core'
import type { Loopback, Reply } from '../../testing/loopback.ts'
import { azurePermissions } from '../permissions.ts'
import { rows } from './inventory-table.ts'
import { collection, type FakeSubscription, serve, subscriptionId } from './testing.ts'

const waits = vi.hoisted((): number[] => [])
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void waits.push(ms) }))

let cloud: Loopback | undefined
afterEach(async () => {
  waits.length = 0
  await cloud?.close()
})

async function collect(fake: FakeSubscription) {
  await cloud?.close()
  cloud = await serve(fake)
  const made = collection(cloud.url)
  const parts = await Array.fromAsync(made.azure.inventory(made.access))
  const byPart = Object.fromEntries(parts.map(({ part, resources }) => [part, resources]))
  return { ...made, parts, byPart }
}

const id = (type: string, name: string) =>
  `/subscriptions/${subscriptionId}/resourceGroups/RG/providers/${type}/${name}`
const disk = (name: string, more: object = {}) => ({
  id: id('Microsoft.Compute/disks', name),
  name,
  location: 'westeurope',
  sku: { name: 'Premium_LRS' },
  properties: { diskState: 'Unattached', diskSizeGB: 128 },
  ...more,
})

describe('a resource', () => {
  test.each<[string, object, Partial<Resource>]>([
    [
      'Microsoft.Compute/virtualMachines',
      {
        zones: ['2'],
        tags: { Team: 'web' },
        properties: {
          hardwareProfile: { vmSize: 'Standard_D4s_v5' },
          timeCreated: '2026-01-02T03:04:05.678Z',
          storageProfile: { osDisk: { osType: 'Linux' }, dataDisks: [{}, {}] },
          osProfile: { adminUsername: 'canary' },
          extended: { instanceView: { powerState: { code: 'PowerState/deallocated' } } },
        },
      },
      {
        id: id('Microsoft.Compute/virtualMachines', 'a').toLowerCase(),
        kind: 'instance',
        name: 'a',
        type: 'Standard_D4s_v5',
        status: 'stopped',
        region: 'westeurope',
        zone: '2',
        createdAt: '2026-01-02T03:04:05.678Z',
        tags: { Team: 'web' },
        configuration: { code: 'PowerState/deallocated', osType: 'Linux', dataDisks: 2 },
      },
    ],
    ['Microsoft.Compute/virtualMachines', {}, { kind: 'instance', status: 'unknown', tags: {} }],
    [
      'Microsoft.Compute/virtualMachines',
      { properties: { virtualMachineScaleSet: { id: '/S' } } },
      { configuration: { virtualMachineScaleSet: { id: '/S' }, dataDisks: 0 } },
    ],
    [
      'Microsoft.Compute/disks',
      {
        managedBy: id('Microsoft.Compute/virtualMachines', 'VM'),
        properties: { diskState: 'Attached', diskSizeGB: 128, diskIOPSReadWrite: 500 },
      },
      {
        kind: 'volume',
        status: 'in-use',
        sizeGb: 128,
        iops: 500,
        attachedTo: id('Microsoft.Compute/virtualMachines', 'vm').toLowerCase(),
      },
    ],
    [
      'Microsoft.Compute/disks',
      { properties: { diskState: 'Unattached', LastOwnershipUpdateTime: '2026-10-01T00:00:00Z' } },
      { status: 'available', configuration: { LastOwnershipUpdateTime: '2026-10-01T00:00:00Z' } },
    ],
    [
      'Microsoft.Compute/snapshots',
      { properties: { creationData: { sourceResourceId: id('Microsoft.Compute/disks', 'D') }, incremental: true } },
      {
        kind: 'snapshot',
        attachedTo: id('Microsoft.Compute/disks', 'd').toLowerCase(),
        configuration: { incremental: true },
      },
    ],
    [
      'Microsoft.Network/publicIPAddresses',
      { properties: { natGateway: { id: '/N' } } },
      { kind: 'address', status: 'in-use', attachedTo: '/n' },
    ],
    ['Microsoft.Network/publicIPAddresses', { properties: {} }, { status: 'available' }],
    [
      'Microsoft.Network/loadBalancers',
      {
        properties: {
          backendAddressPools: [{ properties: { backendIPConfigurations: [{}, {}] } }, { properties: {} }],
        },
      },
      {
        kind: 'load_balancer',
        configuration: {
          backendAddressPools: 2,
          backendIPConfigurations: 2,
          loadBalancerBackendAddresses: 0,
          loadBalancingRules: 0,
          inboundNatRules: 0,
        },
      },
    ],
    [
      'Microsoft.Sql/servers/databases',
      {
        sku: { name: 'GP_S_Gen5', capacity: 2 },
        properties: { status: 'Paused', maxSizeBytes: 34359738368, secondaryType: 'Geo' },
      },
      {
        kind: 'database',
        type: 'GP_S_Gen5',
        status: 'stopped',
        sizeGb: 32,
        configuration: { capacity: 2, secondaryType: 'Geo' },
      },
    ],
    [
      'Microsoft.DBforPostgreSQL/flexibleServers',
      { properties: { state: 'Ready', storage: { storageSizeGB: 64 }, replicationRole: 'AsyncReplica' } },
      { kind: 'database', status: 'running', sizeGb: 64, configuration: { replicationRole: 'AsyncReplica' } },
    ],
    [
      'Microsoft.Storage/storageAccounts',
      { properties: { accessTier: 'Hot' } },
      { kind: 'bucket', configuration: { accessTier: 'Hot' } },
    ],
    [
      'Microsoft.Web/sites',
      { kind: 'functionapp,linux', properties: { state: 'Running' } },
      { kind: 'function', status: 'running' },
    ],
    [
      'Microsoft.ContainerService/managedClusters',
      {
        properties: {
          powerState: { code: 'Stopped' },
          agentPoolProfiles: [
            { vmSize: 'a', count: 1 },
            { vmSize: 'b', count: 2 },
          ],
        },
      },
      { kind: 'cluster', status: 'stopped', configuration: { vmSize: ['a', 'b'], count: [1, 2] } },
    ],
    [
      'Microsoft.OperationalInsights/workspaces',
      { properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 } },
      { kind: 'log_group', type: 'PerGB2018', configuration: { retentionInDays: 30 } },
    ],
  ])('of %s %j', async (type, given, expected) => {
    const one = { id: id(type, 'a'), name: 'a', location: 'West Europe', ...given }
    const { byPart, problems } = await collect({ graph: { [type.toLowerCase()]: [one] } })
    expect(byPart[type]).toMatchObject([expected])
    expect(JSON.stringify(byPart)).not.toContain('canary')
    expect(problems).toEqual([])
  })

  test('that was bought for the tenant is listed, unless it applies to other subscriptions only', async () => {
    const reservation = (name: string, properties: object) => ({
      id: `/providers/microsoft.capacity/reservationOrders/O/reservations/${name}`,
      sku: { name: 'Standard_D1' },
      location: 'westus',
      properties: {
        displayName: `my ${name}`,
        displayProvisioningState: 'Succeeded',
        term: 'P3Y',
        quantity: 2,
        ...properties,
      },
    })
    const { byPart } = await collect({
      pageSize: 1,
      commitments: [
        reservation('SHARED', { appliedScopeType: 'Shared' }),
        reservation('ours', { appliedScopes: [`/subscriptions/${subscriptionId.toUpperCase()}`] }),
        reservation('theirs', { appliedScopes: ['/subscriptions/44444444-2222-4222-8222-222222222222'] }),
        {
          id: '/providers/Microsoft.BillingBenefits/savingsPlanOrders/O/savingsPlans/P',
          sku: { name: 'Compute_Savings_Plan' },
          properties: { displayProvisioningState: 'Expired', commitment: { amount: 0.001 } },
        },
      ],
    })
    expect(byPart['Microsoft.Capacity/reservations']).toMatchObject([
      {
        id: '/providers/microsoft.capacity/reservationorders/o/reservations/shared',
        aliases: ['shared'],
        kind: 'commitment',
        name: 'my SHARED',
        status: 'running',
        configuration: { term: 'P3Y', quantity: 2 },
      },
      { name: 'my ours' },
    ])
    expect(byPart['Microsoft.BillingBenefits/savingsPlans']).toMatchObject([{ status: 'terminated', region: 'global' }])
  })
})

describe('a part', () => {
  const disks = Array.from({ length: 7 }, (_, i) => disk(`d${i}`))

  test('comes for each type, also without resources', async () => {
    const { parts } = await collect({})
    const lists = ['Microsoft.Capacity/reservations', 'Microsoft.BillingBenefits/savingsPlans']
    expect(parts.map(({ part }) => part)).toEqual([...rows.map(({ type }) => type), ...lists])
  })

  test('that Azure refuses is reported, and the others come', async () => {
    const override: FakeSubscription['override'] = ({ path }) =>
      path.endsWith('/reservations') ? { status: 403, body: { error: { code: 'AuthorizationFailed' } } } : undefined
    const { byPart, problems } = await collect({ graph: { 'microsoft.compute/disks': disks }, override })
    expect(byPart['Microsoft.Compute/disks']).toHaveLength(7)
    expect(byPart).not.toHaveProperty(['Microsoft.Capacity/reservations'])
    expect(problems).toEqual([
      {
        state: 'permission_missing',
        part: 'Microsoft.Capacity/reservations',
        message: expect.stringMatching(/Reservations Reader/),
      },
    ])
  })

  test.each<[string, Reply]>([
    ['fails', { status: 503 }],
    ['is cut without a next page', { body: { data: [], resultTruncated: 'true' } }],
    ['has fewer resources than it says', { body: { data: [disk('a')], totalRecords: 2 } }],
    ['repeats its pages', { body: { data: [disk('a')], totalRecords: 1, $skipToken: 'again' } }],
  ])('that %s is reported and not delivered in part', async (_, reply) => {
    const override: FakeSubscription['override'] = ({ body }) => (body.includes('Compute/disks') ? reply : undefined)
    const { byPart, problems } = await collect({ override })
    expect(byPart).not.toHaveProperty(['Microsoft.Compute/disks'])
    expect(problems).toMatchObject([{ state: 'unavailable', part: 'Microsoft.Compute/disks' }])
  })

  test('is read in smaller pages if a page is too large', async () => {
    const override: FakeSubscription['override'] = ({ body }) =>
      body.includes('"$top":1000') && body.includes('Compute/disks')
        ? { status: 400, body: { error: { code: 'ResponsePayloadTooLarge' } } }
        : undefined
    const { byPart, problems } = await collect({ graph: { 'microsoft.compute/disks': disks }, override })
    expect(byPart['Microsoft.Compute/disks']).toHaveLength(7)
    expect(problems).toEqual([])
  })

  test('has each resource once, whatever the pages and the faults', async () => {
    const fault = fc.constantFrom<Reply>(
      { status: 500 },
      { status: 429, headers: { 'retry-after': '1' } },
      { isCut: true, body: 'x' },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.option(fault), { maxLength: 16 }),
        async (pageSize, faults) => {
          const queue = faults.map((one, i) => (i % 4 === 3 ? null : one))
          const override: FakeSubscription['override'] = ({ body }) =>
            body.includes('Compute/disks') ? (queue.shift() ?? undefined) : undefined
          const { byPart, problems } = await collect({
            graph: { 'microsoft.compute/disks': disks },
            pageSize,
            override,
          })
          expect(byPart['Microsoft.Compute/disks']?.map(({ name }) => name)).toEqual(disks.map(({ name }) => name))
          expect(problems).toEqual([])
        },
      ),
      { numRuns: 15 },
    )
  })
})

test('an Azure that answers for no part is unavailable', async () => {
  const override: FakeSubscription['override'] = ({ path }) =>
    path.startsWith('/providers') ? { status: 503 } : undefined
  await expect(collect({ override })).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
})

test('the next query waits if Resource Graph announces the end of its quota', async () => {
  const headers = { 'x-ms-user-quota-remaining': '0', 'x-ms-user-quota-resets-after': '00:00:04' }
  let left = 1
  const override: FakeSubscription['override'] = ({ path }) =>
    path.endsWith('/resources') && left-- > 0 ? { headers, body: { data: [] } } : undefined
  const { taken } = await collect({ override })
  expect(waits).toEqual([4000])
  const graph = taken.filter(({ api }) => api === 'Microsoft.ResourceGraph/resources/read')
  expect(graph).toHaveLength(rows.length)
  expect(graph[0]?.limits).toMatchObject([{ most: 15, windowSeconds: 5 }])
})

test('each type has its permission in the list', () => {
  for (const { type } of rows) expect(azurePermissions).toHaveProperty([`${type}/read`])
})

const recordings = resolve(import.meta.dirname, '../../../../../../shared/cases/clouds/azure')
const recorded = existsSync(recordings)
if (!recorded) console.warn(`no recordings in ${recordings}`)

test.skipIf(!recorded)('all recorded resources have an id, a kind, a state and a region', async () => {
  const graph: Record<string, Record<string, unknown>[]> = {}
  for (const file of globSync('*.json', { cwd: recordings })) {
    const { interactions } = JSON.parse(readFileSync(resolve(recordings, file), 'utf8')) as {
      interactions: { response: { body?: { data?: { value?: Record<string, unknown>[] } } } }[]
    }
    for (const { response } of interactions) {
      const value = response.body?.data?.value
      for (const one of Array.isArray(value) ? value : [])
        if (typeof one.type === 'string') (graph[one.type.toLowerCase()] ??= []).push(one)
    }
  }
  for (const [type, all] of Object.entries(graph))
    graph[type] = [...new Map(all.map((one) => [String(one.id).toLowerCase(), one])).values()]
  const { parts, problems } = await collect({ graph, pageSize: 3 })
  expect(problems).toEqual([])
  const resources = parts.flatMap(({ resources }) => resources)
  expect(resources.length).toBeGreaterThan(50)
  for (const resource of resources) {
    expect(resource.id).toMatch(/^\/subscriptions\/[\da-f-]+\/resourcegroups\/[^/A-Z]+\/providers\/[^A-Z]+$/)
    expect(resourceKinds).toContain(resource.kind)
    expect(['running', 'stopped', 'available', 'in-use', 'unknown']).toContain(resource.status)
    expect(resource.region).toMatch(/^[a-z\d]+$/)
  }
  const [detached] =
    parts
      .find(({ part }) => part === 'Microsoft.Compute/disks')
      ?.resources.filter(({ status }) => status === 'available') ?? []
  expect(detached).toMatchObject({ kind: 'volume', type: expect.stringMatching(/_LRS$/), sizeGb: expect.any(Number) })
})
