import type { ActionName, ActionOrder, ActionParameters, ActionTarget, CloudAction } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { assertContract, type FateOf } from '../../testing/action-contract.ts'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { collectFrom, denial, projectId } from '../collect/testing.ts'

const compute = `//compute.googleapis.com/projects/${projectId}`
const at = (collection: string, place = 'zones/europe-west1-b'): ActionTarget => ({
  id: `${compute}/${place}/${collection === 'disks' ? 'disk' : collection}/42`,
  aliases: [`${compute}/${place}/${collection}/one`],
  kind: 'instance',
  region: 'europe-west1',
})
const instance = at('instances')
const disk = at('disks')
const address: ActionTarget = { ...at('addresses', 'regions/europe-west1'), kind: 'address' }
const snapshot: ActionTarget = { ...at('snapshots', 'global'), kind: 'snapshot' }
const image: ActionTarget = { ...at('images', 'global'), kind: 'image' }
const database: ActionTarget = {
  id: `//cloudsql.googleapis.com/projects/${projectId}/instances/one`,
  kind: 'database',
  region: 'europe-west1',
}

const open: { close(): Promise<void> }[] = []
afterEach(async () => void (await Promise.all(open.splice(0).map(async (one) => await one.close()))))

type Answer = object | ((request: ReceivedRequest) => Reply)

/** A Google Cloud that answers by method and end of the path, and no operation unless it is told of one. */
async function cloudOf(answers: Record<string, Answer>) {
  const asked: ReceivedRequest[] = []
  const world = await collectFrom((request) => {
    const { method, path } = request
    if (!/^\/(compute\/v1|v1)\//.test(path)) return undefined
    asked.push(request)
    const found = Object.entries(answers).find(
      ([key]) => `${method} ${path}`.endsWith(key.split(' ')[1] ?? '') && key.startsWith(method),
    )
    if (!found) return path.endsWith('/operations') ? { body: { items: [] } } : denial(404, 'notFound')
    const [, answer] = found
    return typeof answer === 'function' ? (answer as (request: ReceivedRequest) => Reply)(request) : { body: answer }
  })
  open.push(world.google)
  const actionOf = async (name: ActionName): Promise<CloudAction> => {
    const action = await world.gcp.action(world.access, name)
    if (!action) throw new Error(`Google Cloud has no ${name}`)
    return action
  }
  const changes = () => asked.filter(({ method }) => method !== 'GET')
  return { ...world, actionOf, asked, changes }
}

/** The plan of an action, in a cloud with these answers. */
async function planned(
  name: ActionName,
  target: ActionTarget,
  answers: Record<string, Answer>,
  parameters: ActionParameters = {},
) {
  const { actionOf } = await cloudOf(answers)
  const action = await actionOf(name)
  const before = await action.readState(target)
  if (!before) throw new Error('There is no such resource')
  return await action.plan({ target, parameters, before })
}

const zone = `https://www.googleapis.com/compute/v1/projects/${projectId}/zones/europe-west1-b`
const running = {
  id: '42',
  status: 'RUNNING',
  machineType: `${zone}/machineTypes/n2-standard-8`,
  disks: [{ type: 'PERSISTENT' }],
}
const type = { guestCpus: 4, memoryMb: 16_384, architecture: 'X86_64' }

describe('a plan for an instance is refused', () => {
  test.each<[string, object, RegExp]>([
    ['protected', { labels: { 'cloudoptima-protected': 'true' } }, /protected by its tag/],
    ['a node of Kubernetes', { labels: { 'goog-gke-node': '' } }, /Kubernetes Engine manages/],
    [
      'of a group',
      { metadata: { items: [{ key: 'created-by', value: 'projects/1/zones/z/instanceGroupManagers/web' }] } },
      /group web manages/,
    ],
    ['suspended', { status: 'SUSPENDED' }, /SUSPENDED/],
    ['with local SSDs', { disks: [{ type: 'SCRATCH' }] }, /local SSDs/],
    ['with a supplied key', { disks: [{ diskEncryptionKey: { sha256: 'x' } }] }, /key that you supply/],
    ['that may not start', { startRestricted: true }, /suspicious/],
  ])('%s', async (_, fields, refusal) => {
    expect(await planned('stop-instance', instance, { 'GET /instances/one': { ...running, ...fields } })).toEqual({
      refusal: expect.stringMatching(refusal),
    })
  })

  test.each<[string, object, string, object | undefined, RegExp]>([
    ['for a type that is not there', {}, 'n2-huge-1', undefined, /no machine type n2-huge-1 in europe-west1-b/],
    ['for another architecture', {}, 't2a-standard-4', { ...type, architecture: 'ARM64' }, /architecture ARM64/],
    ['for a deprecated type', {}, 'n1-standard-4', { ...type, deprecated: { state: 'DEPRECATED' } }, /deprecated/],
    [
      'with a GPU, for another series',
      { guestAccelerators: [{}] },
      'e2-standard-4',
      type,
      /guestAccelerators.*series n2/,
    ],
    ['for a series with other disks', {}, 'n4-standard-4', type, /Hyperdisk/],
  ])('%s', async (_, fields, wanted, found, refusal) => {
    const answers = {
      'GET /instances/one': { ...running, ...fields },
      'GET /machineTypes/n2-standard-8': type,
      ...(found && { [`GET /machineTypes/${wanted}`]: found }),
    }
    expect(await planned('resize-instance', instance, answers, { type: wanted })).toEqual({
      refusal: expect.stringMatching(refusal),
    })
  })
})

test('the undo of a stop is partial if the external address may change', async () => {
  const networkInterfaces = [{ accessConfigs: [{ name: 'External NAT' }] }]
  expect(
    await planned('stop-instance', instance, { 'GET /instances/one': { ...running, networkInterfaces } }),
  ).toMatchObject({
    undo: 'partial',
    lost: ['the external address, if it is not reserved'],
  })
  expect(await planned('stop-instance', instance, { 'GET /instances/one': running })).toMatchObject({
    undo: 'full',
    lost: [],
  })
})

const ready = { id: '42', status: 'READY', sizeGb: '10', type: `${zone}/diskTypes/pd-ssd` }

describe('a plan for a disk is refused', () => {
  const attached = (status: string, fields: object = {}) => ({
    'GET /disks/one': { ...ready, users: [`${zone}/instances/vm`] },
    'GET /instances/vm': { id: '7', status, disks: [{ source: `${zone}/disks/one`, deviceName: 'data', ...fields }] },
  })
  test.each<[string, Record<string, Answer>, RegExp]>([
    ['protected', { 'GET /disks/one': { ...ready, labels: { 'cloudoptima-protected': 'true' } } }, /protected/],
    ['of Kubernetes', { 'GET /disks/one': { ...ready, labels: { 'goog-gke-volume': '' } } }, /Kubernetes/],
    ['not ready', { 'GET /disks/one': { ...ready, status: 'CREATING' } }, /CREATING/],
    [
      'with a supplied key',
      { 'GET /disks/one': { ...ready, diskEncryptionKey: { sha256: 'x' } } },
      /key that you supply/,
    ],
    ['replicated', { 'GET /disks/one': { ...ready, asyncSecondaryDisks: { x: {} } } }, /replicated/],
    ['of a pool', { 'GET /disks/one': { ...ready, storagePool: 'x' } }, /pool/],
    ['of a running instance', attached('RUNNING'), /not stopped/],
    ['of the system', attached('TERMINATED', { boot: true }), /boot disk/],
    [
      'of two instances',
      { 'GET /disks/one': { ...ready, users: [`${zone}/instances/a`, `${zone}/instances/b`] } },
      /2 instances/,
    ],
  ])('%s', async (_, answers, refusal) => {
    expect(await planned('delete-volume', disk, answers)).toEqual({ refusal: expect.stringMatching(refusal) })
  })

  test('but not of a stopped instance', async () => {
    expect(await planned('delete-volume', disk, attached('TERMINATED'))).toMatchObject({ after: null, undo: 'partial' })
  })
})

test.each<[string, object, RegExp]>([
  ['in use', { status: 'IN_USE', users: ['x'] }, /IN_USE/],
  ['internal', { addressType: 'INTERNAL' }, /costs nothing/],
  ['protected', { labels: { 'cloudoptima-protected': 'true' } }, /protected/],
])('a plan for an address is refused: %s', async (_, fields, refusal) => {
  const answers = { 'GET /addresses/one': { id: '42', status: 'RESERVED', ...fields } }
  expect(await planned('release-address', address, answers)).toEqual({ refusal: expect.stringMatching(refusal) })
})

const sql = { state: 'RUNNABLE', createTime: '2026-01-01T00:00:00Z' }
const settings = { settingsVersion: '3', activationPolicy: 'ALWAYS', tier: 'db-custom-4-16384' }

test('an action reads all labels that the database has now', async () => {
  const answers = { 'GET /instances/one': { ...sql, settings: { ...settings, userLabels: { team: 'shop' } } } }
  const action = await (await cloudOf(answers)).actionOf('stop-database')
  expect(await action.tags?.(database)).toEqual({ team: 'shop' })
})

describe('a plan for a database is refused', () => {
  test.each<[ActionName, object, object, string, RegExp]>([
    ['stop-database', { instanceType: 'READ_REPLICA_INSTANCE' }, {}, '', /does not stop read replicas/],
    ['stop-database', { replicaNames: ['b', 'a'] }, {}, '', /replicas a, b/],
    ['stop-database', { state: 'MAINTENANCE' }, {}, '', /MAINTENANCE/],
    ['stop-database', {}, { userLabels: { 'cloudoptima-protected': 'true' } }, '', /protected/],
    ['resize-database', { instanceType: 'READ_POOL_INSTANCE' }, {}, 'db-custom-2-8192', /read pool/],
    ['resize-database', {}, {}, 'db-perf-optimized-N-2', /edition ENTERPRISE/],
    ['resize-database', {}, { edition: 'ENTERPRISE_PLUS' }, 'db-custom-2-8192', /edition ENTERPRISE_PLUS/],
    ['resize-database', {}, {}, 'db-custom-3-8192', /even number/],
    ['resize-database', {}, {}, 'db-custom-2-3000', /even number/],
    ['resize-database', {}, {}, 'm7g.large', /no tier of Cloud SQL/],
  ])('%s %j %j', async (name, fields, set, wanted, refusal) => {
    const answers = { 'GET /instances/one': { ...sql, ...fields, settings: { ...settings, ...set } } }
    expect(await planned(name, database, answers, { type: wanted })).toEqual({
      refusal: expect.stringMatching(refusal),
    })
  })
})

test.each(['global/images/one', 'global/images/family/web'])(
  'an image of a template (%s) stays',
  async (sourceImage) => {
    const templates = (request: ReceivedRequest): Reply => {
      expect(request.query.get('fields')).not.toContain('metadata')
      const source = `https://www.googleapis.com/compute/v1/projects/${projectId}/${sourceImage}`
      return {
        body: { items: [{ name: 'web', properties: { disks: [{ initializeParams: { sourceImage: source } }] } }] },
      }
    }
    const answers = {
      'GET /images/one': { id: '42', status: 'READY', family: 'web' },
      'GET /instanceTemplates': templates,
    }
    expect(await planned('deregister-image', image, answers)).toEqual({
      refusal: expect.stringMatching(/templates.*web/),
    })
  },
)

const orderOf = (target: ActionTarget, fields: Partial<ActionOrder>): ActionOrder => ({
  target,
  parameters: {},
  before: { id: '42', labels: {} },
  after: null,
  token: 'c0ffee00c0ffee00c0ffee00c0ffee00',
  memory: {},
  ...fields,
})
const stopping = orderOf(instance, {
  before: { id: '42', status: 'RUNNING', machineType: 'n2-standard-8' },
  after: { id: '42', status: 'TERMINATED', machineType: 'n2-standard-8' },
})

describe('a change that Google refuses', () => {
  const acted = async (reply: Reply) => {
    const cloud = await cloudOf({ 'GET /instances/one': running, 'POST /instances/one/stop': () => reply })
    const action = await cloud.actionOf('stop-instance')
    return { ...cloud, answer: async () => await action.act(stopping) }
  }

  test('for a permission throws Fault forbidden, which names it', async () => {
    const { answer } = await acted(denial(403, 'forbidden'))
    await expect(answer()).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/compute\.instances\.stop.*acme-billing-1/),
    })
  })

  test.each([
    [denial(429, 'RATE_LIMIT_EXCEEDED'), 'rate_limited'],
    [denial(403, 'rateLimitExceeded'), 'rate_limited'],
    [denial(503, 'backendError'), 'unavailable'],
    [{ isCut: true, body: { name: 'operation-1' } }, 'unavailable'],
  ])('for now is not repeated at once: %j', async (reply, code) => {
    const { answer, changes } = await acted(reply)
    await expect(answer()).rejects.toMatchObject({ code })
    expect(changes()).toHaveLength(1)
  })

  test('for another operation goes on', async () => {
    const { answer } = await acted(denial(400, 'resourceNotReady'))
    expect(await answer()).toMatchObject({ state: 'going on', memory: {} })
  })

  test('for good is refused in its words, and a later attempt is another request', async () => {
    const { answer } = await acted(denial(400, 'invalid'))
    expect(await answer()).toEqual({
      state: 'refused',
      memory: { act: 1 },
      message: 'Google Cloud refused compute.instances.stop: canary of Google',
    })
  })

  test('by a failed operation is refused with its reason', async () => {
    const error = { errors: [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message: 'No capacity.' }] }
    const { answer } = await acted({ body: { name: 'operation-1', status: 'DONE', error } })
    expect(await answer()).toMatchObject({ state: 'refused', message: expect.stringMatching(/No capacity.*EXHAUSTED/) })
  })
})

describe('the id of a request', () => {
  const idOf = async (step: 'act' | 'undo', fields: Partial<ActionOrder> = {}) => {
    const back = { before: stopping.after ?? {}, after: stopping.before }
    const cloud = await cloudOf({
      'GET /instances/one': running,
      'POST /instances/one/stop': { name: 'operation-1', status: 'RUNNING' },
    })
    await (await cloud.actionOf('stop-instance'))[step]({ ...stopping, ...(step === 'undo' && back), ...fields })
    return cloud.changes().map(({ query }) => query.get('requestId'))
  }

  test('is a UUID, the same for each repetition, and another for each order, direction and attempt', async () => {
    const [id] = await idOf('act')
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-a[\da-f]{3}-[\da-f]{12}$/)
    expect(await idOf('act')).toEqual([id])
    const others = await Promise.all([
      idOf('undo'),
      idOf('act', { memory: { act: 1 } }),
      idOf('act', { token: 'other' }),
    ])
    expect(new Set([id, ...others.flat()]).size).toBe(4)
  })

  test('finds the operation: while it runs or after it failed nothing is sent again', async () => {
    const [clientOperationId] = await idOf('act')
    const after = async (operation: object) => {
      const own = { targetId: '42', clientOperationId, ...operation }
      const cloud = await cloudOf({ 'GET /instances/one': running, 'GET /operations': { items: [own] } })
      const answer = await (await cloud.actionOf('stop-instance')).act(stopping)
      expect(cloud.changes()).toEqual([])
      expect(cloud.asked.map(({ query }) => query.get('filter'))).toContain('targetId = 42')
      return answer
    }
    expect(await after({ status: 'RUNNING' })).toMatchObject({ state: 'going on' })
    expect(await after({ status: 'DONE', error: {} })).toMatchObject({ state: 'refused' })
    expect(await after({ status: 'DONE' })).toMatchObject({ message: expect.stringMatching(/Somebody has changed/) })
  })
})

test('a later instance of the same name is another', async () => {
  const cloud = await cloudOf({ 'GET /instances/one': { ...running, id: '43' } })
  const action = await cloud.actionOf('stop-instance')
  expect(await action.readState(instance)).toBeUndefined()
  expect(await action.act(stopping)).toMatchObject({ state: 'refused', message: expect.stringMatching(/not exist/) })
  expect(cloud.changes()).toEqual([])
})

test.each<[ActionName, ActionTarget]>([
  ['stop-instance', disk],
  ['delete-volume', instance],
  ['stop-database', disk],
  ['delete-snapshot', { ...snapshot, id: '//compute.googleapis.com/projects/other/global/snapshots/one', aliases: [] }],
])('%s of another resource or project asks nothing of Google', async (name, target) => {
  const cloud = await cloudOf({})
  await expect((await cloud.actionOf(name)).readState(target)).rejects.toMatchObject({ code: 'invalid' })
  expect(cloud.asked).toEqual([])
})

describe('a disk is not deleted', () => {
  const before = { id: '42', status: 'READY', attachments: [] }
  const order = orderOf(disk, { before })
  const own = {
    id: '9',
    status: 'READY',
    sourceDiskId: '42',
    creationTimestamp: '2026-11-26T12:00:00Z',
    labels: { 'cloudoptima-order': order.token },
  }
  const acted = async (found: object, copy: object) => {
    const cloud = await cloudOf({
      'GET /disks/one': { ...ready, ...found },
      [`GET /snapshots/cloudoptima-${order.token}`]: { ...own, ...copy },
      'GET /instances/vm': { id: '7', status: 'RUNNING', disks: [] },
      'DELETE /disks/one': { name: 'operation-1' },
      'POST /disks/one/createSnapshot': denial(409, 'alreadyExists'),
    })
    const answer = await (await cloud.actionOf('delete-volume')).act(order)
    return { answer, changes: cloud.changes().map(({ method }) => method) }
  }

  test.each<[string, object, object, RegExp]>([
    ['if it was attached after its snapshot', { lastAttachTimestamp: '2026-11-26T12:00:01Z' }, {}, /in use after/],
    ['if somebody has attached it', { users: [`${zone}/instances/vm`] }, {}, /Somebody uses/],
    ['if its snapshot failed', {}, { status: 'FAILED' }, /FAILED/],
  ])('%s', async (_, found, copy, message) => {
    expect(await acted(found, copy)).toEqual({
      answer: { state: 'refused', memory: { act: 1 }, message: expect.stringMatching(message) },
      changes: [],
    })
  })

  test('on the snapshot of somebody else', async () => {
    expect((await acted({}, { labels: {} })).changes).toEqual(['POST'])
    expect((await acted({}, { sourceDiskId: '41' })).changes).toEqual(['POST'])
  })

  test('again if it is gone; its snapshot is named as bills do', async () => {
    const cloud = await cloudOf({
      'GET /disks/one': () => denial(404, 'notFound'),
      [`GET /snapshots/cloudoptima-${order.token}`]: own,
    })
    const kept = [`${compute}/global/snapshots/9`]
    expect(await (await cloud.actionOf('delete-volume')).act(order)).toEqual({ state: 'done', memory: { kept } })
    expect(cloud.changes()).toEqual([])
  })

  test('else it is', async () => {
    expect((await acted({ lastAttachTimestamp: '2026-11-26T11:00:00Z' }, {})).changes).toEqual(['DELETE'])
  })
})

test('a disk of a region, with a key and schedules, is made again as it was', async () => {
  const region = `https://www.googleapis.com/compute/v1/projects/${projectId}/regions/europe-west1`
  const found = {
    ...ready,
    type: `${region}/diskTypes/hyperdisk-balanced-high-availability`,
    labels: { team: 'shop' },
    provisionedIops: '3000',
    replicaZones: [zone],
    resourcePolicies: [`${region}/resourcePolicies/daily`],
    diskEncryptionKey: { kmsKeyName: 'projects/k/locations/l/keyRings/r/cryptoKeys/c/cryptoKeyVersions/3' },
  }
  const target = at('disks', 'regions/europe-west1')
  const held: { disk: object | undefined } = { disk: found }
  const copy = { id: '9', status: 'READY', sourceDiskId: '42', labels: { 'cloudoptima-order': stopping.token } }
  const cloud = await cloudOf({
    'GET /disks/one': () => (held.disk ? { body: held.disk } : denial(404, 'notFound')),
    [`GET /snapshots/cloudoptima-${stopping.token}`]: copy,
    'POST /regions/europe-west1/disks': { name: 'operation-1' },
  })
  const action = await cloud.actionOf('delete-volume')
  const before = (await action.readState(target)) ?? {}
  held.disk = undefined
  expect(await action.undo(orderOf(target, { before }))).toMatchObject({ state: 'going on' })
  const project = `projects/${projectId}`
  expect(cloud.changes().map(({ body }) => JSON.parse(body))).toEqual([
    {
      name: 'one',
      sourceSnapshot: `${project}/global/snapshots/cloudoptima-${stopping.token}`,
      labels: { team: 'shop' },
      sizeGb: '10',
      provisionedIops: '3000',
      type: `${project}/regions/europe-west1/diskTypes/hyperdisk-balanced-high-availability`,
      resourcePolicies: [`${project}/regions/europe-west1/resourcePolicies/daily`],
      replicaZones: [`${project}/zones/europe-west1-b`],
      diskEncryptionKey: { kmsKeyName: 'projects/k/locations/l/keyRings/r/cryptoKeys/c' },
    },
  ])
})

test('an address that Google refuses at once is reserved as another, and a foreign one stays', async () => {
  const global = { ...at('addresses', 'global'), kind: 'address' as const }
  const order = orderOf(global, { before: { id: '42', address: '34.1.2.3', labels: {} } })
  const cloud = await cloudOf({ 'POST /global/addresses': () => denial(400, 'invalid') })
  const action = await cloud.actionOf('release-address')
  const first = await action.undo(order)
  expect(first).toMatchObject({ state: 'going on', memory: { isTaken: true } })
  expect(await action.undo({ ...order, memory: first.memory })).toMatchObject({ state: 'refused' })
  expect(cloud.changes().map(({ body }) => JSON.parse(body))).toEqual([
    { name: 'one', address: '34.1.2.3' },
    { name: 'one' },
  ])
  const taken = await cloudOf({
    'GET /addresses/one': { id: '77', status: 'RESERVED' },
    'POST /global/addresses': () => denial(409, 'alreadyExists'),
  })
  expect(await (await taken.actionOf('release-address')).undo(order)).toMatchObject({ state: 'refused' })
})

describe('a setting of a database', () => {
  const before = { createTime: sql.createTime, activationPolicy: 'ALWAYS', tier: settings.tier }
  const order = orderOf(database, { before, after: { ...before, activationPolicy: 'NEVER' } })

  test('is set on the version that was read', async () => {
    const cloud = await cloudOf({ 'GET /instances/one': { ...sql, settings }, 'PATCH /instances/one': { name: 'op' } })
    const answer = await (await cloud.actionOf('stop-database')).act(order)
    expect(answer).toMatchObject({ state: 'going on', memory: { actOperation: 'op' } })
    const bodies = cloud.changes().map(({ body }) => JSON.parse(body))
    expect(bodies).toEqual([{ settings: { settingsVersion: '3', activationPolicy: 'NEVER' } }])
  })

  test.each([denial(412, 'staleData'), denial(409, 'operationInProgress')])(
    'goes on if somebody else changes it',
    async (reply) => {
      const cloud = await cloudOf({ 'GET /instances/one': { ...sql, settings }, 'PATCH /instances/one': () => reply })
      expect(await (await cloud.actionOf('stop-database')).act(order)).toMatchObject({ state: 'going on', memory: {} })
    },
  )

  test('is refused after its operation failed, and may be tried again', async () => {
    const failed = { name: 'op', status: 'DONE', error: { errors: [{ code: 'INTERNAL', message: 'It broke.' }] } }
    const cloud = await cloudOf({ 'GET /instances/one': { ...sql, settings }, 'GET /operations': { items: [failed] } })
    const action = await cloud.actionOf('stop-database')
    const answer = await action.act({ ...order, memory: { actOperation: 'op' } })
    expect(answer).toMatchObject({ state: 'refused', message: expect.stringMatching(/It broke/) })
    expect(cloud.changes()).toEqual([])
  })

  test('of a later database of the same name stays', async () => {
    const cloud = await cloudOf({ 'GET /instances/one': { ...sql, createTime: '2026-02-01T00:00:00Z', settings } })
    expect(await (await cloud.actionOf('stop-database')).act(order)).toMatchObject({ state: 'refused' })
  })
})

/** An image, which is deleted after a while. */
async function imageWorld(fields: object, fateOf: FateOf) {
  const held = { now: 0, deletedAt: Infinity, requestId: '' }
  const isGone = () => held.now > held.deletedAt + 4
  const operation = () => ({
    targetId: '42',
    clientOperationId: held.requestId,
    status: isGone() ? 'DONE' : 'RUNNING',
  })
  const remove = ({ query }: ReceivedRequest): Reply => {
    const fate = held.deletedAt === Infinity ? fateOf('delete') : 'answered'
    if (fate === 'throttled') return denial(429, 'RATE_LIMIT_EXCEEDED')
    if (fate === 'lost') return { isCut: true }
    held.deletedAt = held.now
    held.requestId = query.get('requestId') ?? ''
    return { body: operation(), isCut: fate === 'unanswered' }
  }
  const world = await cloudOf({
    'GET /images/one': () => (isGone() ? denial(404, 'notFound') : { body: { id: '42', status: 'READY', ...fields } }),
    'GET /operations': () => ({ body: { items: held.deletedAt === Infinity ? [] : [operation()] } }),
    'GET /instanceTemplates': {},
    'DELETE /images/one': remove,
  })
  const action = await world.actionOf('deregister-image')
  const everything = async () => ({ isGone: isGone() })
  const pass = (seconds: number) => void (held.now += seconds)
  return { action, target: image, parameters: {}, everything, pass, close: async () => await world.google.close() }
}

test('deregister-image keeps the contract of actions, whatever befalls its calls', async () => {
  await expect(
    assertContract({ given: fc.constantFrom({}, { labels: { team: 'shop' } }), open: imageWorld, runs: 10 }),
  ).resolves.toBeUndefined()
})

test('nothing brings a deleted snapshot back; one that is still there needs nothing', async () => {
  const order = orderOf(snapshot, {})
  const gone = await cloudOf({})
  expect(await (await gone.actionOf('delete-snapshot')).undo(order)).toMatchObject({ state: 'refused' })
  const there = await cloudOf({ 'GET /snapshots/one': { id: '42', status: 'READY' } })
  expect(await (await there.actionOf('delete-snapshot')).undo(order)).toMatchObject({ state: 'done' })
})

describe('an undo waits for an operation that does not show yet', () => {
  const pending = { targetId: '42', status: 'PENDING' }
  test.each<[ActionName, ActionTarget, Partial<ActionOrder>, Record<string, Answer>]>([
    ['stop-instance', instance, stopping, { 'GET /instances/one': running }],
    ['delete-volume', disk, { before: { id: '42', attachments: [] } }, { 'GET /disks/one': ready }],
    ['delete-snapshot', snapshot, {}, { 'GET /snapshots/one': { id: '42', status: 'READY' } }],
    ['release-address', address, {}, { 'GET /addresses/one': { id: '42', status: 'RESERVED' } }],
    [
      'stop-database',
      database,
      { before: { createTime: sql.createTime, ...settings } },
      { 'GET /instances/one': { ...sql, settings } },
    ],
  ])('%s', async (name, target, fields, answers) => {
    const cloud = await cloudOf({ ...answers, 'GET /operations': { items: [pending] } })
    const action = await cloud.actionOf(name)
    const order = orderOf(target, fields)
    expect([await action.undo(order), await action.act(order)]).toEqual([
      expect.objectContaining({ state: 'going on' }),
      expect.objectContaining({ state: 'going on' }),
    ])
    expect(cloud.changes()).toEqual([])
  })

  test('delete-volume, of its detachment', async () => {
    const attachment = { instance: 'zones/europe-west1-b/instances/vm', instanceId: '7', instanceStatus: 'TERMINATED' }
    const cloud = await cloudOf({
      'GET /disks/one': { ...ready, users: [`${zone}/instances/vm`] },
      'GET /operations': ({ query }) => ({
        body: { items: query.get('filter') === 'targetId = 7' ? [{ targetId: '7', status: 'RUNNING' }] : [] },
      }),
    })
    const order = orderOf(disk, { before: { id: '42', attachments: [attachment] } })
    expect(await (await cloud.actionOf('delete-volume')).undo(order)).toMatchObject({ state: 'going on' })
  })
})
