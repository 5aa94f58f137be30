import type { Resource } from '@cloudoptima/core'

/** The fields of Google's APIs that mean something here. */
export interface Item {
  id?: string
  name?: string
  zone?: string
  region?: string
  location?: string
  gceZone?: string
  labels?: Record<string, string>
  resourceLabels?: Record<string, string>
  status?: string
  state?: string
  type?: string
  machineType?: string
  tier?: string
  plan?: string
  storageClass?: string
  loadBalancingScheme?: string
  addressType?: string
  creationTimestamp?: string
  createTime?: string
  timeCreated?: string
  sizeGb?: string
  diskSizeGb?: string
  memorySizeGb?: number
  provisionedIops?: string
  users?: string[]
  sourceDisk?: string
  scheduling?: { preemptible?: boolean; provisioningModel?: string }
  disks?: { source?: string }[]
  metadata?: { items?: { key?: string; value?: string }[] }
  nats?: { name: string; type?: string }[]
  settings?: { tier?: string; activationPolicy?: string; dataDiskSizeGb?: string; userLabels?: Record<string, string> }
  buildConfig?: { runtime?: string }
  serviceConfig?: object
  template?: { scaling?: unknown; containers?: { resources?: unknown }[] }
  autopilot?: unknown
  nodePools?: { name?: string; config?: { machineType?: string }; initialNodeCount?: number; autoscaling?: unknown }[]
  [field: string]: unknown
}

/** The parts of a resource's full name. */
export interface Names {
  service: string
  /** `zones/us-east1-b/disk`; first as bills spell it. */
  collections: string[]
  /** First as in bills. */
  ids: string[]
  /** Full names without a project: https://cloud.google.com/iam/docs/full-resource-names */
  others?: string[]
}

type Described = Omit<Resource, 'id' | 'aliases'> & { names: Names }

/** A list of one API: how to ask for it, and the resources of an item. */
export interface List {
  /** `compute:instances` */
  part: string
  service: string
  api: string
  path(projectId: string): string
  query?(projectId: string): Record<string, string>
  /** The field of the answer with the items. */
  field: string
  resources(item: Item): Described[]
}

const lastOf = (url: string | undefined): string => url?.split('/').at(-1) ?? ''
const regionOf = (zone: string): string => zone.replace(/-[a-z]$/, '')

/** Fields by Google's own names, without those that an item lacks; URLs of resources become full names. */
function pick(item: object, ...fields: string[]): Record<string, unknown> {
  const found = Object.entries(item).filter(([field]) => fields.includes(field))
  return Object.fromEntries(found.map(([field, value]) => [field, typeof value === 'string' ? pathOf(value) : value]))
}

const gib = (text: string | number | undefined): { sizeGb?: number } =>
  text === undefined ? {} : { sizeGb: Number(text) }

/** The zone or region of a resource, as a path and as fields. */
function placeOf({ zone, region }: Item): { path: string; region: string; zone?: string } {
  if (zone !== undefined) return { path: `zones/${lastOf(zone)}`, region: regionOf(lastOf(zone)), zone: lastOf(zone) }
  return region === undefined
    ? { path: 'global', region: 'global' }
    : { path: `regions/${lastOf(region)}`, region: lastOf(region) }
}

function common({ name, labels, resourceLabels, creationTimestamp, createTime, timeCreated }: Item) {
  const created = creationTimestamp ?? createTime ?? timeCreated
  return {
    ...(name !== undefined && { name: lastOf(name) }),
    tags: labels ?? resourceLabels ?? {},
    ...(created !== undefined && { createdAt: new Date(created).toISOString() }),
  }
}

type Details = Pick<Resource, 'kind' | 'status' | 'type' | 'sizeGb' | 'iops' | 'attachedTo'> & {
  configuration: Record<string, unknown>
}

/**
 * A list of Compute Engine over all zones and regions. Bills name its resources by their numbers, and disks as `disk`.
 * https://cloud.google.com/compute/docs/reference/rest/v1
 */
function compute(collection: string, describe: (item: Item) => Details, isGlobal = false): List {
  return {
    part: `compute:${collection}`,
    service: 'compute',
    api: `compute.${collection}.${isGlobal ? 'list' : 'aggregatedList'}`,
    path: (project) => `/compute/v1/projects/${project}/${isGlobal ? 'global' : 'aggregated'}/${collection}`,
    query: () => ({ maxResults: '500', ...(!isGlobal && { returnPartialSuccess: 'true' }) }),
    field: 'items',
    resources: (item) => {
      const { path, ...place } = placeOf(item)
      const spelled = collection === 'disks' ? ['disk', 'disks'] : [collection]
      const names = {
        service: 'compute',
        collections: spelled.map((each) => `${path}/${each}`),
        ids: [item.id, item.name].filter((id) => id !== undefined),
      }
      return [{ names, ...common(item), ...place, ...describe(item) }]
    },
  }
}

/** A list over all locations, whose items have full names: `projects/p/locations/europe-west1/services/web`. */
function located(
  { service, version, collection }: { service: string; version: string; collection: string },
  describe: (item: Item) => Details,
): List {
  return {
    part: `${service}:${collection}`,
    service,
    api: `${service}.projects.locations.${collection}.list`,
    path: (project) => `/${version}/projects/${project}/locations/-/${collection}`,
    field: collection,
    resources: (item) => {
      const location = item.location ?? /\/locations\/([^/]+)\//.exec(item.name ?? '')?.[1] ?? ''
      const isZone = /-[a-z]$/.test(location)
      const names = { service, collections: [`locations/${location}/${collection}`], ids: [lastOf(item.name)] }
      const place = { region: isZone ? regionOf(location) : location, ...(isZone && { zone: location }) }
      return [{ names, ...common(item), ...place, ...describe(item) }]
    },
  }
}

const stopped = new Set(['TERMINATED', 'STOPPED', 'SUSPENDED'])
const available = new Set(['READY', 'ACTIVE', 'RUNNABLE'])
const lower = (status = 'unknown'): string =>
  available.has(status) ? 'available' : status.toLowerCase().replaceAll('_', '-')
const running = (status = 'RUNNING'): string =>
  ['RUNNING', 'READY', 'ACTIVE'].includes(status) ? 'running' : lower(status)

/** All lists of the inventory. */
export const lists: readonly List[] = [
  compute('instances', (item) => ({
    kind: 'instance',
    status: stopped.has(item.status ?? '') ? 'stopped' : lower(item.status),
    type: lastOf(item.machineType),
    configuration: {
      ...pick(
        item,
        'cpuPlatform',
        'deletionProtection',
        'guestAccelerators',
        'lastStartTimestamp',
        'lastStopTimestamp',
      ),
      isSpot: item.scheduling?.provisioningModel === 'SPOT' || item.scheduling?.preemptible === true,
      // An instance group writes its path here; other metadata may be secret.
      createdBy: item.metadata?.items?.find(({ key }) => key === 'created-by')?.value,
      disks: item.disks?.flatMap(({ source }) => (source === undefined ? [] : pathOf(source))),
    },
  })),
  compute('disks', (item) => ({
    kind: 'volume',
    status: item.users?.length ? 'in-use' : lower(item.status),
    type: lastOf(item.type),
    ...gib(item.sizeGb),
    ...(item.provisionedIops !== undefined && { iops: Number(item.provisionedIops) }),
    ...(item.users?.[0] !== undefined && { attachedTo: pathOf(item.users[0]) }),
    configuration: {
      ...pick(item, 'provisionedThroughput', 'lastAttachTimestamp', 'lastDetachTimestamp', 'asyncPrimaryDisk'),
      users: item.users?.map(pathOf),
    },
  })),
  compute(
    'snapshots',
    (item) => ({
      kind: 'snapshot',
      status: lower(item.status),
      ...gib(item.diskSizeGb),
      ...(item.sourceDisk !== undefined && { attachedTo: pathOf(item.sourceDisk) }),
      configuration: pick(item, 'storageBytes', 'sourceSnapshotSchedulePolicy'),
    }),
    true,
  ),
  compute(
    'images',
    (item) => ({
      kind: 'image',
      status: lower(item.status),
      ...gib(item.diskSizeGb),
      configuration: pick(item, 'archiveSizeBytes'),
    }),
    true,
  ),
  compute('addresses', (item) => ({
    kind: 'address',
    status: item.status === 'IN_USE' ? 'in-use' : 'available',
    type: item.addressType ?? 'EXTERNAL',
    ...(item.users?.[0] !== undefined && { attachedTo: pathOf(item.users[0]) }),
    configuration: pick(item, 'address', 'networkTier'),
  })),
  compute('forwardingRules', (item) => ({
    kind: 'load_balancer',
    status: 'in-use',
    type: item.loadBalancingScheme ?? 'EXTERNAL',
    configuration: pick(item, 'IPAddress', 'portRange', 'target', 'backendService'),
  })),
  compute('commitments', (item) => ({
    kind: 'commitment',
    status: item.status?.toLowerCase() ?? 'unknown',
    type: item.plan ?? '',
    configuration: pick(item, 'type', 'resources', 'startTimestamp', 'endTimestamp', 'autoRenew'),
  })),
  {
    ...compute('routers', () => ({ kind: 'nat_gateway', status: 'in-use', configuration: {} })),
    resources: (router) =>
      (router.nats ?? []).map((nat) => ({
        names: {
          service: 'compute',
          collections: [
            `${placeOf(router).path}/routers/${router.id}/nats`,
            `${placeOf(router).path}/routers/${router.name}/nats`,
          ],
          ids: [nat.name],
        },
        kind: 'nat_gateway',
        name: nat.name,
        type: nat.type ?? 'PUBLIC',
        status: 'in-use',
        region: placeOf(router).region,
        tags: {},
        configuration: { router: router.name, ...pick(nat, 'natIpAllocateOption', 'natIps') },
      })),
  },
  {
    part: 'sqladmin:instances',
    service: 'sqladmin',
    api: 'cloudsql.instances.list',
    path: (project) => `/v1/projects/${project}/instances`,
    field: 'items',
    resources: (item) => [
      {
        names: { service: 'cloudsql', collections: ['instances'], ids: [item.name ?? ''] },
        ...common(item),
        tags: item.settings?.userLabels ?? {},
        kind: 'database',
        status:
          item.settings?.activationPolicy === 'NEVER'
            ? 'stopped'
            : item.state === 'RUNNABLE'
              ? 'running'
              : lower(item.state),
        region: item.region ?? '',
        ...(item.gceZone !== undefined && { zone: item.gceZone }),
        type: item.settings?.tier ?? '',
        ...gib(item.settings?.dataDiskSizeGb),
        configuration: {
          ...pick(item, 'databaseVersion', 'instanceType', 'connectionName'),
          ...pick(item.settings ?? {}, 'availabilityType', 'dataDiskType'),
        },
      },
    ],
  },
  {
    part: 'storage:buckets',
    service: 'storage',
    api: 'storage.buckets.list',
    path: () => '/storage/v1/b',
    query: (project) => ({ project, maxResults: '1000' }),
    field: 'items',
    resources: (item) => [
      {
        names: {
          service: 'storage',
          collections: ['buckets'],
          ids: [item.name ?? ''],
          others: [`//storage.googleapis.com/projects/_/buckets/${item.name}`],
        },
        ...common(item),
        kind: 'bucket',
        status: 'available',
        region: item.location?.toLowerCase() ?? '',
        type: item.storageClass ?? '',
        configuration: pick(item, 'locationType', 'lifecycle', 'versioning'),
      },
    ],
  },
  located({ service: 'cloudfunctions', version: 'v2', collection: 'functions' }, (item) => ({
    kind: 'function',
    status: lower(item.state),
    type: item.buildConfig?.runtime ?? '',
    // The rest of `serviceConfig` has variables, which may be secret.
    configuration: {
      ...pick(item, 'environment', 'updateTime'),
      ...pick(item.serviceConfig ?? {}, 'availableMemory', 'availableCpu', 'minInstanceCount', 'maxInstanceCount'),
    },
  })),
  located({ service: 'run', version: 'v2', collection: 'services' }, (item) => ({
    kind: 'container_service',
    status: 'running',
    configuration: {
      scaling: item.template?.scaling,
      containers: item.template?.containers?.map(({ resources }) => resources),
    },
  })),
  located({ service: 'container', version: 'v1', collection: 'clusters' }, (item) => ({
    kind: 'cluster',
    status: running(item.status),
    type: item.autopilot ? 'autopilot' : 'standard',
    configuration: {
      nodeCount: item.currentNodeCount,
      nodePools: item.nodePools?.map(({ name, config, initialNodeCount, autoscaling }) => ({
        name,
        machineType: config?.machineType,
        initialNodeCount,
        autoscaling,
      })),
    },
  })),
  located({ service: 'redis', version: 'v1', collection: 'instances' }, (item) => ({
    kind: 'cache',
    status: running(item.state),
    type: item.tier ?? '',
    ...gib(item.memorySizeGb),
    configuration: pick(item, 'redisVersion'),
  })),
]

/** `https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i` as a full name. */
function pathOf(url: string): string {
  return url.replace(/^https:\/\/[^/]+\/compute\/[^/]+\//, '//compute.googleapis.com/')
}
