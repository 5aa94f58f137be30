import { Random } from '@cloudoptima/sample'
import { dayOf, exists, isRunning, timeOf } from '../load.ts'
import { list, type Operation, type Operations, pageOf, type Question } from './operation.ts'
import { type Attachment, type GcpResource, numberOf } from './resource.ts'
import { database } from './sql.ts'

const attachedShare = 0.85
const yearMs = 31_536_000_000
export const linkOf = ({ project, path }: { project: string; path: string }) =>
  `https://www.googleapis.com/compute/v1/projects/${project}/${path}`

/** A resource in its zone or region: `zones/us-central1-b`. */
export type Item = [scope: string, fields: object]

/** The fields that all resources of Compute Engine have. */
function computed(resource: GcpResource, own: object): Item {
  const { number: id, name, labels, createdAt, project, zone, region } = resource
  const scope = zone === '' ? `regions/${region}` : `zones/${zone}`
  const place = { [zone === '' ? 'region' : 'zone']: linkOf({ project, path: scope }) }
  return [scope, { id, name, labels, creationTimestamp: createdAt, ...place, ...own }]
}

/** The instance of a disk, in its region (their zones may differ); some have none, and some have outlived it. */
function instanceOf({ key, region, project }: GcpResource, { account, now }: Question): GcpResource | undefined {
  if (Random.uniform(Random.mix(key, 41)) > attachedShare) return undefined
  const near = account.resources.filter(
    (each) => each.type === 'compute/instances' && each.region === region && each.project === project,
  )
  return [near[key % near.length]].find((chosen) => chosen && exists(chosen, now))
}

/** Where a disk is attached: as a call has left it, or as the company has it. */
export function attachmentOf(resource: GcpResource, question: Question): Attachment | undefined {
  const { attachment, name } = resource
  if (attachment !== undefined) return attachment ?? undefined
  const instance = instanceOf(resource, question)?.number
  return instance === undefined
    ? undefined
    : { instance, deviceName: name, mode: 'READ_WRITE', autoDelete: false, interface: 'SCSI' }
}

export function instance(resource: GcpResource, question: Question): Item {
  const { number, zone, machineType, pattern, status, set } = resource
  const disks = question.all('compute/disks').flatMap((disk) => {
    const { instance: user, ...attached } = attachmentOf(disk, question) ?? { instance: '' }
    return user === number ? [{ type: 'PERSISTENT', boot: false, source: linkOf(disk), ...attached }] : []
  })
  return computed(resource, {
    status: status ?? (isRunning(resource, question.now) ? 'RUNNING' : 'TERMINATED'),
    machineType: linkOf({ ...resource, path: `zones/${zone}/machineTypes/${machineType}` }),
    scheduling: { provisioningModel: pattern === 'spot' ? 'SPOT' : 'STANDARD' },
    disks,
    ...set,
  })
}

/** The bill of a disk counts about a thirtieth of its GB each day. */
export function disk(resource: GcpResource, question: Question): Item {
  const { unitsOn, firstDay, zone, status = 'READY', set } = resource
  const { instance: user } = attachmentOf(resource, question) ?? {}
  const users = question.account.resources.filter(({ number }) => number === user)
  return computed(resource, {
    status,
    type: linkOf({ ...resource, path: `zones/${zone}/diskTypes/pd-ssd` }),
    sizeGb: String(Math.max(1, Math.round(unitsOn(firstDay) * 30))),
    users: users.map(linkOf),
    ...(users.length === 0 && { lastDetachTimestamp: resource.createdAt }),
    ...set,
  })
}

export function snapshot(resource: GcpResource, { account }: Question): Item {
  const { number: id, name, labels, createdAt, key, project, status = 'READY', set } = resource
  const { created } = account
  const disks = account.resources.filter(
    (each) => each.type === 'compute/disks' && each.project === project && !created.includes(each),
  )
  const source = disks[key % disks.length]
  const fields = { id, name, labels, creationTimestamp: createdAt, status, diskSizeGb: '270' }
  return ['global', { ...fields, ...(source && { sourceDisk: linkOf(source), sourceDiskId: source.number }), ...set }]
}

export function address(resource: GcpResource): Item {
  const { number, status = 'RESERVED', set } = resource
  const octets = [number.slice(4, 6), number.slice(6, 8), number.slice(8, 10)].map(Number)
  return computed(resource, {
    status,
    address: `34.${octets.join('.')}`,
    addressType: 'EXTERNAL',
    networkTier: 'PREMIUM',
    ...set,
  })
}

/** The commitments that the project has bought; their name has project and region. */
function commitments({ account, project, now }: Question): Item[] {
  return account.estate.commitments.flatMap(({ id, name, count, from }): Item[] => {
    const region = new RegExp(`/projects/${project}/regions/([^/]+)/`).exec(id)?.[1]
    if (region === undefined || from > dayOf(now)) return []
    const scope = `regions/${region}`
    const start = timeOf(from)
    const fields = {
      id: numberOf(id),
      name,
      region: linkOf({ project, path: scope }),
      status: 'ACTIVE',
      plan: 'TWELVE_MONTH',
      type: 'GENERAL_PURPOSE_N2',
      // Of n2-standard-4.
      resources: [
        { type: 'VCPU', amount: String(4 * count) },
        { type: 'MEMORY', amount: String(16_384 * count) },
      ],
      startTimestamp: start,
      endTimestamp: new Date(start.getTime() + yearMs),
    }
    return [[scope, fields]]
  })
}

/** A list of Compute Engine over all zones and regions. */
function aggregated(collection: string, items: (question: Question) => Item[]): Operations {
  const operation: Operation = (question) => {
    const page = pageOf(question, items(question))
    const byScope = Map.groupBy(page.items, ([scope]) => scope)
    const scopes = [...byScope].map(([scope, all]) => [scope, { [collection]: all.map(([, fields]) => fields) }])
    const none = { global: { warning: { code: 'NO_RESULTS_ON_PAGE', message: 'There are no results.' } } }
    return { items: { ...none, ...Object.fromEntries(scopes) }, nextPageToken: page.next }
  }
  return {
    [`compute.${collection}.aggregatedList`]: [`/compute/v1/projects/{project}/aggregated/${collection}`, operation],
  }
}

const each = (type: string, item: (resource: GcpResource, question: Question) => Item) => (question: Question) =>
  question.all(type).map((resource) => item(resource, question))

const none = () => []

/** What a project has; empty where the company uses no such product. */
export const inventory: Operations = {
  ...aggregated('instances', each('compute/instances', instance)),
  ...aggregated('disks', each('compute/disks', disk)),
  'compute.snapshots.list': [
    '/compute/v1/projects/{project}/global/snapshots',
    list('items', (question) => question.all('compute/snapshots').map((each) => snapshot(each, question)[1])),
  ],
  'compute.images.list': ['/compute/v1/projects/{project}/global/images', list('items', none)],
  ...aggregated('addresses', each('compute/addresses', address)),
  ...aggregated('forwardingRules', none),
  ...aggregated('commitments', commitments),
  ...aggregated(
    'routers',
    each('compute/nats', (resource) => computed(resource, { nats: [{ name: resource.name, type: 'PUBLIC' }] })),
  ),
  'cloudsql.instances.list': [
    '/v1/projects/{project}/instances',
    list('items', ({ all }) => all('cloudsql/instances').map(database)),
  ],
  'storage.buckets.list': [
    '/storage/v1/b',
    list('items', ({ all }) =>
      all('storage/buckets').map(({ name, region, labels, createdAt }) => ({
        name,
        location: region.toUpperCase(),
        locationType: 'region',
        storageClass: 'STANDARD',
        timeCreated: createdAt,
        labels,
      })),
    ),
  ],
  'cloudfunctions.projects.locations.functions.list': [
    '/v2/projects/{project}/locations/-/functions',
    list('functions', none),
  ],
  'run.projects.locations.services.list': [
    '/v2/projects/{project}/locations/-/services',
    list('services', ({ all }) =>
      all('run/services').map(({ project, path, labels, createdAt }) => ({
        name: `projects/${project}/${path}`,
        labels,
        createTime: createdAt,
        template: {
          scaling: { maxInstanceCount: 40 },
          containers: [{ resources: { limits: { cpu: '1', memory: '512Mi' } } }],
        },
      })),
    ),
  ],
  'container.projects.locations.clusters.list': [
    '/v1/projects/{project}/locations/-/clusters',
    ({ all }) => ({
      clusters: all('container/clusters').map(({ name, region, labels, createdAt, key }) => ({
        name,
        location: region,
        resourceLabels: labels,
        createTime: createdAt,
        status: 'RUNNING',
        currentNodeCount: 3 + (key % 9),
        nodePools: [{ name: 'default-pool', config: { machineType: 'e2-standard-4' }, initialNodeCount: 1 }],
      })),
    }),
  ],
  'redis.projects.locations.instances.list': ['/v1/projects/{project}/locations/-/instances', list('instances', none)],
}
