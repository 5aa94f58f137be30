import type { ActionName, ActionOrder, CloudAction } from '@cloudoptima/core'
import { describe, expect, test } from 'vitest'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { subscriptionId } from '../collect/testing.ts'
import { actionOn } from './testing.ts'

const group = `/subscriptions/${subscriptionId}/resourceGroups/my group/providers`
const ids = {
  machine: `${group}/Microsoft.Compute/virtualMachines/web`,
  disk: `${group}/Microsoft.Compute/disks/data`,
  address: `${group}/Microsoft.Network/publicIPAddresses/ip`,
  plan: `${group}/Microsoft.Web/serverfarms/plan`,
}

const running = {
  location: 'westeurope',
  etag: '"7"',
  properties: {
    provisioningState: 'Succeeded',
    hardwareProfile: { vmSize: 'Standard_D4s_v5' },
    storageProfile: { osDisk: { osType: 'Windows' }, dataDisks: [] },
    instanceView: { statuses: [{ code: 'PowerState/running' }] },
  },
}

const machine = (properties: object) => ({ ...running, properties: { ...running.properties, ...properties } })

describe('what must not be interrupted has no plan', () => {
  test.each<[string, object, RegExp]>([
    ['a member of a scale set', { virtualMachineScaleSet: { id: '/subscriptions/s/set' } }, /scale set/],
    ['a Spot instance', { priority: 'Spot' }, /Spot/],
    [
      'an ephemeral system disk',
      { storageProfile: { osDisk: { diffDiskSettings: { option: 'Local' } } } },
      /ephemeral/,
    ],
    ['an instance that is starting', { instanceView: { statuses: [{ code: 'PowerState/starting' }] } }, /settled/],
  ])('%s', async (_, properties, reason) => {
    const { plan, changes } = await actionOn('stop-instance', { id: ids.machine, document: machine(properties) })
    expect(await plan()).toEqual({ refusal: expect.stringMatching(reason) as string })
    expect(changes).toEqual([])
  })

  const disk = {
    name: 'data',
    location: 'x',
    sku: { name: 'Premium_LRS' },
    properties: { uniqueId: 'u', diskSizeGB: 8 },
  }
  test.each<[string, ActionName, object, RegExp]>([
    ['a shared disk', 'delete-volume', { maxShares: 2 }, /shared/],
    ['a disk that is exported', 'delete-volume', { diskState: 'ActiveSAS' }, /exported/],
    [
      'a confidential disk',
      'delete-volume',
      { securityProfile: { securityType: 'ConfidentialVM_DiskEncryptedWith' } },
      /conf/,
    ],
    ['a tier of its own', 'change-volume', { tier: 'P30', diskState: 'Unattached' }, /performance tier/],
  ])('%s', async (_, name, properties, reason) => {
    const document = { ...disk, properties: { ...disk.properties, ...properties } }
    const { plan } = await actionOn(name, { id: ids.disk, document, parameters: { type: 'Standard_LRS' } })
    expect(await plan()).toEqual({ refusal: expect.stringMatching(reason) as string })
  })

  test('an address in use', async () => {
    const document = { name: 'ip', location: 'x', properties: { ipConfiguration: { id: '/nic' } } }
    const { plan } = await actionOn('release-address', { id: ids.address, document })
    expect(await plan()).toEqual({ refusal: expect.stringMatching(/in use/) as string })
  })

  test('a plan that scales by itself', async () => {
    const properties = { enabled: true, targetResourceUri: ids.plan.toLowerCase() }
    const { plan } = await actionOn('scale-plan', {
      id: ids.plan,
      document: { location: 'x', sku: { name: 'P1v3', capacity: 3 }, properties: {} },
      parameters: { instances: 1 },
      answer: () => ({ body: { value: [{ properties }] } }),
    })
    expect(await plan()).toEqual({ refusal: expect.stringMatching(/autoscale/) as string })
  })

  test('a resource of another type', async () => {
    const id = `${group}/Microsoft.App/containerApps/app`
    const { plan } = await actionOn('scale-plan', { id, document: {}, parameters: { instances: 1 } })
    expect(await plan()).toEqual({ refusal: expect.stringMatching(/serverfarms only/) as string })
  })
})

describe('what is lost for ever', () => {
  const size = (name: string, resourceDiskSizeInMB: number) => ({ name, resourceDiskSizeInMB, maxDataDiskCount: 8 })
  const listed = (...value: object[]) => ({ body: { value } })
  const lost = 'The data on its temporary disk and on its local NVMe disks is lost.'
  const unknown = (name: string) => `Azure does not tell whether ${name} has a temporary disk: its data is lost.`
  const forbidden = { status: 403, headers: { 'x-ms-error-code': 'AuthorizationFailed' }, body: '' }
  test.each<[string, string, Reply, string | null]>([
    ['no temporary disk', 'Standard_D4s_v5', listed(size('Standard_D4s_v5', 0)), null],
    ['a temporary disk', 'Standard_D4s_v3', listed(size('Standard_D4s_v3', 32_768)), lost],
    ['a local NVMe disk', 'Standard_D4ads_v6', listed(size('Standard_D4ads_v6', 0)), lost],
    ['the series L', 'Standard_L8s_v4', listed(size('Standard_L8s_v4', 0)), lost],
    ['an unknown size', 'Standard_X4', listed(size('Standard_D4s_v5', 0)), unknown('Standard_X4')],
    ['a role that may not ask', 'Standard_D4s_v5', forbidden, unknown('Standard_D4s_v5')],
  ])('by a stop: %s', async (_, vmSize, answer, losesData) => {
    const document = machine({ hardwareProfile: { vmSize } })
    const { plan } = await actionOn('stop-instance', { id: ids.machine, document, answer: () => answer })
    expect(await plan()).toMatchObject({ undo: losesData === null ? 'full' : 'partial', losesData })
  })

  test.each([
    ['running', lost],
    ['deallocated', null],
  ])('by another size of an instance that is %s', async (power, losesData) => {
    const instanceView = { statuses: [{ code: `PowerState/${power}` }] }
    const document = machine({ hardwareProfile: { vmSize: 'Standard_D4s_v3' }, instanceView })
    const answer = () => listed(size('Standard_D4s_v3', 32_768), size('Standard_D2s_v3', 16_384))
    const parameters = { type: 'Standard_D2s_v3' }
    const { plan } = await actionOn('resize-instance', { id: ids.machine, document, parameters, answer })
    expect(await plan()).toMatchObject({ losesData })
  })

  test.each([
    [{ instances: 2 }, true],
    [{ instances: 4 }, false],
    [{ sku: 'P0v3' }, true],
    [{ sku: 'P0v3', instances: 4 }, true],
  ])('by %j of a plan', async (parameters, isLost) => {
    const { plan } = await actionOn('scale-plan', {
      id: ids.plan,
      document: { location: 'x', sku: { name: 'P1v3', capacity: 3 }, properties: {} },
      parameters,
      answer: () => listed(),
    })
    const losesData = isLost ? (expect.stringMatching(/workers themselves/) as string) : null
    expect(await plan()).toMatchObject({ undo: isLost ? 'partial' : 'full', losesData })
  })
})

const refusing = (status: number, code: string) => () => ({ status, headers: { 'x-ms-error-code': code }, body: '' })

describe('a change is sent once, and', () => {
  test.each<[number, string, object]>([
    [403, 'AuthorizationFailed', { code: 'forbidden', message: /virtualMachines\/deallocate\/action/ }],
    [429, 'TooManyRequests', { code: 'rate_limited', message: /limits/ }],
    [503, 'ServiceUnavailable', { code: 'unavailable', message: /503/ }],
  ])('%i %s is a fault', async (status, code, { message, ...fault }: { message?: RegExp }) => {
    const { action, order, changes } = await stopping(refusing(status, code))
    await expect(action.act(order)).rejects.toMatchObject({
      ...fault,
      message: expect.stringMatching(message ?? /./) as string,
    })
    expect(changes).toHaveLength(1)
  })

  test.each([
    [403, 'RequestDisallowedByPolicy', /policy/],
    [409, 'ScopeLocked', /lock/],
    [409, 'AllocationFailed', /capacity/],
    [400, 'Unknown', /activity log/],
  ])('%i %s is a refusal with advice', async (status, code, advice) => {
    const { action, order, changes } = await stopping(refusing(status, code))
    const message = expect.stringMatching(advice) as string
    expect(await action.act(order)).toEqual({ state: 'refused', memory: {}, message })
    expect(changes).toHaveLength(1)
  })

  test.each([
    [412, 'PreconditionFailed'],
    [409, 'AnotherOperationInProgress'],
  ])('%i %s is looked at again', async (status, code) => {
    const { action, order } = await stopping(refusing(status, code))
    expect(await action.act(order)).toMatchObject({ state: 'going on', memory: {} })
  })
})

const stopping = async (answer: (request: ReceivedRequest) => Reply) =>
  await actionOn('stop-instance', { id: ids.machine, document: running, answer })

describe('an operation of Azure', () => {
  const path = `/subscriptions/${subscriptionId}/providers/Microsoft.Compute/locations/westeurope/operations/1`

  async function begun(
    status: object,
  ): Promise<{ action: CloudAction; order: ActionOrder; changes: ReceivedRequest[] }> {
    const { action, order, changes } = await stopping(({ method, headers }) => {
      if (method === 'GET') return { body: status }
      return {
        status: 202,
        headers: { 'azure-asyncoperation': `https://${headers.host}${path}?api-version=1` },
        body: '',
      }
    })
    const { memory } = await action.act(order)
    expect(memory).toEqual({ operation: { way: 'act', path: `${path}?api-version=1` } })
    return { action, order: { ...order, memory }, changes }
  }

  test('is waited for', async () => {
    const { action, order, changes } = await begun({ status: 'InProgress' })
    expect(await action.act(order)).toMatchObject({ state: 'going on', memory: order.memory })
    expect(changes).toHaveLength(1)
  })

  test('that fails ends the act, and not its undo', async () => {
    const { action, order } = await begun({ status: 'Failed', error: { code: 'AllocationFailed' } })
    expect(await action.act(order)).toMatchObject({ state: 'refused', memory: {} })
    expect(await action.undo(order)).toEqual({ state: 'done', memory: {} })
  })

  test('of another subscription is not asked for', async () => {
    const { action, order } = await stopping(() => ({ body: {} }))
    const memory = { operation: { way: 'act', path: '/subscriptions/other/providers/Microsoft.Compute/x' } }
    await expect(action.act({ ...order, memory })).rejects.toMatchObject({ code: 'forbidden' })
  })
})

test('an action reads the tags of its resource with the permission that it has', async () => {
  const { action, order } = await actionOn('stop-instance', {
    id: ids.machine,
    document: { ...running, tags: { Environment: 'prod' } },
  })
  expect(await action.tags?.(order.target)).toEqual({ Environment: 'prod' })
})

test('a change carries the etag that was read', async () => {
  const { action, order, changes } = await actionOn('enable-hybrid-benefit', {
    id: ids.machine,
    document: running,
    parameters: { licenseType: 'Windows_Server' },
  })
  await action.act(order)
  const [change] = changes
  expect([change?.method, change?.headers['if-match'], JSON.parse(change?.body ?? '')]).toEqual([
    'PATCH',
    '"7"',
    { properties: { licenseType: 'Windows_Server' } },
  ])
})

test.each(['/subscriptions/another/x', `/subscriptions/${subscriptionId}/../other`, `${ids.machine}?a`])(
  'no request is sent for %s',
  async (id) => {
    const { action, order, taken } = await actionOn('stop-instance', { id: ids.machine, document: running })
    taken.length = 0
    await expect(action.readState({ ...order.target, id })).rejects.toMatchObject({ code: 'not_found' })
    await expect(action.act({ ...order, target: { ...order.target, id } })).rejects.toMatchObject({ code: 'not_found' })
    expect(taken).toEqual([])
  },
)
