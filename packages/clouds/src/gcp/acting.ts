import { createHash } from 'node:crypto'
import { Refusal } from '../answers.ts'
import { address, attachmentOf, disk, instance, type Item, linkOf, snapshot } from './inventory.ts'
import { begin, finish, shown } from './long-running.ts'
import { type Effect, list, type Operation, type Operations, type Question } from './operation.ts'
import { type GcpResource, numberOf } from './resource.ts'

const fingerprintOf = (labels: object) =>
  createHash('sha256')
    .update(JSON.stringify(Object.entries(labels).toSorted()))
    .digest('base64')
    .slice(0, 12)

const items = { instances: instance, disks: disk, snapshots: snapshot, addresses: address } as const
type Collection = keyof typeof items
const collections = ['instances', 'disks', 'snapshots', 'addresses'] as const

const placed = (collection: string) => `/compute/v1/projects/{project}/{place*}/${collection}`

function find({ all, named: { place = '' } }: Question, collection: Collection, name: string | undefined) {
  return all(`compute/${collection}`).find(
    (each) => (each.name === name || each.number === name) && each.path.startsWith(place),
  )
}

function found(question: Question, collection: Collection, name = question.named['name']): GcpResource {
  const resource = find(question, collection, name)
  if (!resource) throw new Refusal('notFound', 404)
  return resource
}

const lastOf = (link: string) => link.split('/').at(-1) ?? ''
const itemOf = (collection: Collection, resource: GcpResource, question: Question): Item =>
  items[collection](resource, question)

const targetOf = ({ number: id, path, zone, region }: GcpResource) => ({
  id,
  path,
  scope: path.startsWith('global/') ? 'global' : zone === '' ? `regions/${region}` : `zones/${zone}`,
})

/** An operation on a resource; `end` is how it changes. */
const changing =
  (
    collection: Collection,
    operationType: string,
    seconds: number,
    change: (resource: GcpResource, question: Question) => { atOnce?: Effect; end?: () => Effect },
  ): Operation =>
  (question) => {
    const resource = found(question, collection)
    const { atOnce = {}, end = () => ({}) } = change(resource, question)
    const begun = {
      target: targetOf(resource),
      operationType,
      seconds,
      busy: ['resourceNotReady', 400] as [string, number],
    }
    return shown(begin(question, begun, end, () => atOnce))
  }

const power = (from: string, through: string, to: string, seconds: number) =>
  changing('instances', to === 'RUNNING' ? 'start' : 'stop', seconds, (resource, question) => {
    const [, { status }] = instance(resource, question) as [string, { status: string }]
    if (status !== from) return {}
    const offSince = to === 'RUNNING' ? undefined : question.now
    return {
      atOnce: { changes: [[resource, { status: through }]] },
      end: () => ({ changes: [[resource, { status: to, offSince }]] }),
    }
  })

const deleting = (collection: Collection, seconds: number) =>
  changing(collection, 'delete', seconds, (resource, question) => {
    const [, fields] = itemOf(collection, resource, question)
    if ('users' in fields && Array.isArray(fields.users) && fields.users.length > 0)
      throw new Refusal('resourceInUseByAnotherResource', 400)
    return {
      ...(collection !== 'addresses' && { atOnce: { changes: [[resource, { status: 'DELETING' }]] } }),
      end: () => ({ changes: [[resource, { isGone: true }]] }),
    }
  })

interface Body {
  name: string
  labels?: Record<string, string>
  labelFingerprint?: string
  machineType: string
  source: string
  sourceSnapshot: string
  type?: string
  address?: string
  deviceName: string
  mode: string
  autoDelete: boolean
  interface?: string
}

const bodyOf = ({ body }: Question) => JSON.parse(body) as Body

/** A resource that a call makes of another. */
function made(question: Question, source: GcpResource, own: Partial<GcpResource> & { path: string }): GcpResource {
  const { account, now } = question
  const number = numberOf(`${own.path} ${account.created.length}`)
  return { ...source, number, name: lastOf(own.path), createdAt: now, labels: {}, isGone: false, ...own }
}

const createSnapshot = changing('disks', 'createSnapshot', 45, (resource, question) => {
  const { name, labels = {} } = bodyOf(question)
  const set = { sourceDisk: linkOf(resource), sourceDiskId: resource.number, diskSizeGb: '270' }
  const path = `global/snapshots/${name}`
  const one = made(question, resource, { type: 'compute/snapshots', path, labels, status: 'CREATING', set })
  return { atOnce: { created: [one] }, end: () => ({ changes: [[one, { status: 'READY' }]] }) }
})

const detachDisk = changing('instances', 'detachDisk', 4, (resource, question) => {
  const name = question.query.get('deviceName')
  const own = question.all('compute/disks').find((each) => {
    const attachment = attachmentOf(each, question)
    return attachment?.instance === resource.number && attachment.deviceName === name
  })
  if (!own) throw new Refusal('invalid', 400)
  return { end: () => ({ changes: [[own, { attachment: null }]] }) }
})

const attachDisk = changing('instances', 'attachDisk', 4, (resource, question) => {
  const { source, deviceName, mode, autoDelete, interface: own = 'SCSI' } = bodyOf(question)
  const attached = question.all('compute/disks').find((each) => linkOf(each).endsWith(source))
  if (!attached) throw new Refusal('notFound', 404)
  const attachment = { instance: resource.number, deviceName, mode, autoDelete, interface: own }
  return { end: () => ({ changes: [[attached, { attachment }]] }) }
})

const setMachineType = changing('instances', 'setMachineType', 3, (resource, question) => {
  const [, { status }] = instance(resource, question) as [string, { status: string }]
  if (status !== 'TERMINATED') throw new Refusal('resourceNotReady', 400)
  return { end: () => ({ changes: [[resource, { machineType: lastOf(bodyOf(question).machineType) }]] }) }
})

/** Its operation begins after the change: waiting ends it. */
const setLabels = (collection: Collection) =>
  changing(collection, 'setLabels', 0, (resource, question) => {
    const { labels = {}, labelFingerprint } = bodyOf(question)
    if (labelFingerprint !== fingerprintOf(resource.labels)) throw new Refusal('conditionNotMet', 412)
    if (Object.keys(labels).length > mostLabels) throw new Refusal('invalid', 400)
    return { atOnce: { changes: [[resource, { labels }]] } }
  })

const mostLabels = 64
const busy: [string, number] = ['resourceNotReady', 400]

const insertDisk: Operation = (question) => {
  const { named, account, project } = question
  const { name, labels = {}, sourceSnapshot, type, ...fields } = bodyOf(question)
  const { place = '' } = named
  const path = `${place}/disks/${name}`
  const known = account.operations.find(({ requestId }) => requestId === question.query.get('requestId'))
  if (known) return shown(known)
  if (find(question, 'disks', name)) throw new Refusal('alreadyExists', 409)
  const source = found({ ...question, named: { place: 'global' } }, 'snapshots', lastOf(sourceSnapshot))
  const origin = account.resources.find(({ number }) => number === source.set?.['sourceDiskId']) ?? source
  const set = {
    ...fields,
    ...(type !== undefined && { type: linkOf({ project, path: type.replace(/^projects\/[^/]+\//, '') }) }),
    sourceSnapshot: linkOf(source),
    sourceSnapshotId: source.number,
  }
  const one = made(question, origin, {
    type: 'compute/disks',
    path,
    labels,
    set,
    status: 'RESTORING',
    attachment: null,
  })
  const begun = { target: targetOf(one), operationType: 'insert', seconds: 20, busy }
  const end = (): Effect => ({ changes: [[one, { status: 'READY' }]] })
  return shown(begin(question, begun, end, () => ({ created: [one] })))
}

/** Of two released addresses, Google has given one to somebody else. */
const isFree = (ip: string) => Number(ip.split('.')[2]) % 2 === 0

const insertAddress: Operation = (question) => {
  const { account, project, named } = question
  const { name, address: ip, ...fields } = bodyOf(question)
  const { place = '' } = named
  const path = `${place}/addresses/${name}`
  const known = account.operations.find(({ requestId }) => requestId === question.query.get('requestId'))
  if (known) return shown(known)
  if (find(question, 'addresses', name)) throw new Refusal('alreadyExists', 409)
  const origin = account.resources.find(
    (each) => each.type === 'compute/addresses' && each.project === project && each.path.startsWith(place),
  )
  if (!origin) throw new Refusal('notFound', 404)
  const set = { ...fields, ...(ip !== undefined && { address: ip }) }
  const one = made(question, origin, { path, set, status: 'RESERVED' })
  const begun = { target: targetOf(one), operationType: 'insert', seconds: 3, busy }
  const error = { code: 'IP_IN_USE_BY_ANOTHER_RESOURCE', message: `IP '${ip}' is already being used.` }
  return shown(begin(question, begun, () => (ip === undefined || isFree(ip) ? { created: [one] } : { error })))
}

/** https://cloud.google.com/compute/docs/general-purpose-machines, and ARM: /compute/docs/instances/arm-on-compute */
function machineType({ named: { place = '', name = '' } }: Question): object {
  const [, series = '', shape = '', cores = ''] =
    /^(n1|n2|n2d|e2|c3|n4|t2a|c4a)-(standard|highmem|highcpu)-(\d+)$/.exec(name) ?? []
  const gib = { standard: 4, highmem: 8, highcpu: 1 }[shape]
  if (gib === undefined) throw new Refusal('notFound', 404)
  const memoryMb = Number(cores) * gib * 1024
  const architecture = series === 't2a' || series === 'c4a' ? 'ARM64' : 'X86_64'
  return { kind: 'compute#machineType', name, guestCpus: Number(cores), memoryMb, architecture, zone: lastOf(place) }
}

/** Reads of one resource, and of operations. */
export const reads: Operations = {
  ...Object.fromEntries(
    collections.map((collection) => [
      `compute.${collection}.get`,
      [
        `${placed(collection)}/{name}`,
        ((question) => {
          const resource = found(question, collection)
          const [, fields] = itemOf(collection, resource, question)
          return { ...fields, labelFingerprint: fingerprintOf(resource.labels) }
        }) satisfies Operation,
      ],
    ]),
  ),
  'compute.machineTypes.get': [`${placed('machineTypes')}/{name}`, machineType],
  'compute.instanceTemplates.list': [
    '/compute/v1/projects/{project}/global/instanceTemplates',
    list('items', () => []),
  ],
  'compute.operations.list': [
    placed('operations'),
    list('items', ({ account, project, named, query }) => {
      const [, id] = /^targetId = (\d+)$/.exec(query.get('filter') ?? '') ?? []
      return account.operations
        .filter((each) => each.project === project && each.scope === named['place'] && each.targetId === id)
        .map(shown)
    }),
  ],
}

/** https://cloud.google.com/compute/docs/reference/rest/v1: each answers with an operation that has begun. */
export const acting: Operations = {
  'compute.operations.wait': [
    `${placed('operations')}/{name}/wait`,
    ({ account, named }) => {
      const operation = account.operations.find(({ name }) => name === named['name'])
      if (!operation) throw new Refusal('notFound', 404)
      finish(account, operation)
      return shown(operation)
    },
  ],
  ...Object.fromEntries(
    collections.map((collection) => [
      `compute.${collection}.setLabels`,
      [`${placed(collection)}/{name}/setLabels`, setLabels(collection)],
    ]),
  ),
  'compute.instances.stop': [`${placed('instances')}/{name}/stop`, power('RUNNING', 'STOPPING', 'TERMINATED', 25)],
  'compute.instances.start': [`${placed('instances')}/{name}/start`, power('TERMINATED', 'STAGING', 'RUNNING', 15)],
  'compute.instances.setMachineType': [`${placed('instances')}/{name}/setMachineType`, setMachineType],
  'compute.instances.detachDisk': [`${placed('instances')}/{name}/detachDisk`, detachDisk],
  'compute.instances.attachDisk': [`${placed('instances')}/{name}/attachDisk`, attachDisk],
  'compute.disks.createSnapshot': [`${placed('disks')}/{name}/createSnapshot`, createSnapshot],
  'compute.disks.insert': [placed('disks'), insertDisk],
  'compute.addresses.insert': [placed('addresses'), insertAddress],
}

/** The calls with the method DELETE. */
export const deletions: Operations = Object.fromEntries(
  (['disks', 'snapshots', 'addresses'] as const).map((collection) => [
    `compute.${collection}.delete`,
    [`${placed(collection)}/{name}`, deleting(collection, 6)],
  ]),
)
