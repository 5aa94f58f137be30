import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Resource } from '@cloudoptima/core'
import { type Answers, collectFrom, denial, projectId } from './testing.ts'

let close: () => Promise<void> = async () => undefined
afterEach(async () => {
  await close()
  close = async () => undefined
})

const number = '441570621172'

/** Every API answers an empty list, but for those given by the end of their path. */
function apis(given: Record<string, unknown>, first?: Answers): Answers {
  return (request) => {
    if (request.path === '/token') return undefined
    const early = first?.(request)
    if (early) return early
    if (request.path === `/v3/projects/${projectId}`) return { body: { name: `projects/${number}`, projectId } }
    const name = Object.keys(given).find((suffix) => request.path.endsWith(suffix))
    return { body: name === undefined ? {} : given[name] }
  }
}

async function collect(answers: Answers) {
  const given = await collectFrom(answers)
  close = given.google.close
  const parts = await Array.fromAsync(given.gcp.inventory(given.access))
  return { ...given, parts, resources: parts.flatMap(({ resources }) => resources) }
}

const place = `https://www.googleapis.com/compute/v1/projects/${projectId}`
const vm = {
  id: '4158127351007949610',
  name: 'web-1',
  status: 'TERMINATED',
  zone: `${place}/zones/us-east1-b`,
  machineType: `${place}/zones/us-east1-b/machineTypes/n1-standard-1`,
  creationTimestamp: '2017-05-01T12:34:32.859-07:00',
  labels: { team: 'blue' },
  scheduling: { preemptible: true },
  disks: [{ source: `${place}/zones/us-east1-b/disks/web-1` }],
  metadata: {
    items: [
      { key: 'startup-script', value: 'canary-secret' },
      { key: 'created-by', value: 'projects/1/zones/us-east1-b/instanceGroupManagers/web' },
    ],
  },
}
const disk = {
  id: '1926261635889640234',
  name: 'web-1',
  status: 'READY',
  sizeGb: '10',
  zone: vm.zone,
  type: `${vm.zone}/diskTypes/pd-ssd`,
  users: [`${place}/zones/us-east1-b/instances/web-1`],
  asyncPrimaryDisk: { disk: 'primary' },
}

describe('the inventory of a project', () => {
  test('names a resource as bills do, and by its other names', async () => {
    const { resources } = await collect(
      apis({
        'aggregated/instances': { items: { 'zones/us-east1-b': { instances: [vm] } } },
        'aggregated/disks': { items: { 'zones/us-east1-b': { disks: [disk] } } },
      }),
    )
    const root = '//compute.googleapis.com/projects'
    expect(resources).toEqual([
      {
        id: `${root}/${number}/zones/us-east1-b/instances/${vm.id}`,
        aliases: [
          `${root}/${projectId}/zones/us-east1-b/instances/${vm.id}`,
          `${root}/${number}/zones/us-east1-b/instances/web-1`,
          `${root}/${projectId}/zones/us-east1-b/instances/web-1`,
        ],
        kind: 'instance',
        name: 'web-1',
        type: 'n1-standard-1',
        status: 'stopped',
        region: 'us-east1',
        zone: 'us-east1-b',
        createdAt: '2017-05-01T19:34:32.859Z',
        tags: { team: 'blue' },
        configuration: {
          isSpot: true,
          createdBy: 'projects/1/zones/us-east1-b/instanceGroupManagers/web',
          disks: [`${root}/${projectId}/zones/us-east1-b/disks/web-1`],
        },
      },
      expect.objectContaining({
        id: `${root}/${number}/zones/us-east1-b/disk/${disk.id}`,
        aliases: expect.arrayContaining([`${root}/${projectId}/zones/us-east1-b/disks/web-1`]),
        kind: 'volume',
        type: 'pd-ssd',
        status: 'in-use',
        sizeGb: 10,
        attachedTo: `${root}/${number}/zones/us-east1-b/instances/${vm.id}`,
        configuration: expect.objectContaining({ asyncPrimaryDisk: { disk: 'primary' } }),
      }),
    ])
    expect(JSON.stringify(resources)).not.toContain('canary')
  })

  test.each<[string, string, unknown, Partial<Resource>]>([
    [
      'a snapshot',
      'global/snapshots',
      {
        items: [
          {
            id: '5',
            name: 's',
            status: 'READY',
            diskSizeGb: '16',
            sourceDisk: `${place}/zones/z/disks/d`,
            sourceSnapshotSchedulePolicy: `${place}/regions/r/resourcePolicies/daily`,
          },
        ],
      },
      {
        kind: 'snapshot',
        id: `//compute.googleapis.com/projects/${number}/global/snapshots/5`,
        status: 'available',
        sizeGb: 16,
        region: 'global',
        attachedTo: `//compute.googleapis.com/projects/${projectId}/zones/z/disks/d`,
        configuration: {
          sourceSnapshotSchedulePolicy: `//compute.googleapis.com/projects/${projectId}/regions/r/resourcePolicies/daily`,
        },
      },
    ],
    [
      'an image',
      'global/images',
      { items: [{ id: '6', name: 'i', status: 'READY', diskSizeGb: '50' }] },
      { kind: 'image', sizeGb: 50 },
    ],
    [
      'an unused address',
      'aggregated/addresses',
      {
        items: {
          'regions/europe-west1': {
            addresses: [
              {
                id: '7',
                name: 'a',
                status: 'RESERVED',
                region: `${place}/regions/europe-west1`,
                address: '203.0.113.9',
              },
            ],
          },
        },
      },
      { kind: 'address', status: 'available', region: 'europe-west1', configuration: { address: '203.0.113.9' } },
    ],
    [
      'a load balancer',
      'aggregated/forwardingRules',
      {
        items: {
          global: {
            forwardingRules: [
              {
                id: '8',
                name: 'lb',
                loadBalancingScheme: 'EXTERNAL_MANAGED',
                target: `${place}/global/targetHttpsProxies/p`,
              },
            ],
          },
        },
      },
      { kind: 'load_balancer', type: 'EXTERNAL_MANAGED', region: 'global' },
    ],
    [
      'a NAT gateway',
      'aggregated/routers',
      {
        items: {
          'regions/europe-west1': {
            routers: [{ id: '9', name: 'r', region: `${place}/regions/europe-west1`, nats: [{ name: 'nat-1' }] }],
          },
        },
      },
      {
        kind: 'nat_gateway',
        name: 'nat-1',
        region: 'europe-west1',
        id: `//compute.googleapis.com/projects/${number}/regions/europe-west1/routers/9/nats/nat-1`,
      },
    ],
    [
      'a commitment',
      'aggregated/commitments',
      {
        items: {
          'regions/europe-west1': {
            commitments: [
              {
                id: '10',
                name: 'c',
                region: `${place}/regions/europe-west1`,
                status: 'ACTIVE',
                plan: 'TWELVE_MONTH',
                endTimestamp: '2025-01-01T00:00:00Z',
                autoRenew: true,
              },
            ],
          },
        },
      },
      {
        kind: 'commitment',
        type: 'TWELVE_MONTH',
        status: 'active',
        configuration: { endTimestamp: '2025-01-01T00:00:00Z', autoRenew: true },
      },
    ],
    [
      'a database',
      `/v1/projects/${projectId}/instances`,
      {
        items: [
          {
            name: 'db',
            state: 'RUNNABLE',
            region: 'us-central1',
            gceZone: 'us-central1-f',
            databaseVersion: 'MYSQL_5_7',
            settings: {
              tier: 'db-custom-1-3840',
              activationPolicy: 'ALWAYS',
              dataDiskSizeGb: '10',
              userLabels: { a: 'b' },
            },
          },
        ],
      },
      {
        kind: 'database',
        id: `//cloudsql.googleapis.com/projects/${number}/instances/db`,
        status: 'running',
        type: 'db-custom-1-3840',
        sizeGb: 10,
        tags: { a: 'b' },
      },
    ],
    [
      'a bucket',
      '/storage/v1/b',
      {
        items: [
          {
            name: 'mill',
            location: 'EUROPE-WEST1',
            storageClass: 'NEARLINE',
            timeCreated: '2024-01-02T03:04:05Z',
            labels: { a: 'b' },
          },
        ],
      },
      {
        kind: 'bucket',
        name: 'mill',
        region: 'europe-west1',
        type: 'NEARLINE',
        createdAt: '2024-01-02T03:04:05.000Z',
        aliases: [
          `//storage.googleapis.com/projects/${projectId}/buckets/mill`,
          '//storage.googleapis.com/projects/_/buckets/mill',
        ],
      },
    ],
    [
      'a function',
      '/functions',
      {
        functions: [
          {
            name: `projects/${projectId}/locations/europe-west1/functions/f`,
            state: 'ACTIVE',
            buildConfig: { runtime: 'nodejs22' },
            serviceConfig: { availableMemory: '256M', environmentVariables: { KEY: 'canary-secret' } },
          },
        ],
      },
      {
        kind: 'function',
        name: 'f',
        region: 'europe-west1',
        type: 'nodejs22',
        id: `//cloudfunctions.googleapis.com/projects/${number}/locations/europe-west1/functions/f`,
      },
    ],
    [
      'a service of Cloud Run',
      '/services',
      { services: [{ name: `projects/${projectId}/locations/europe-west1/services/s` }] },
      {
        kind: 'container_service',
        status: 'running',
        id: `//run.googleapis.com/projects/${number}/locations/europe-west1/services/s`,
      },
    ],
    [
      'a cluster',
      '/clusters',
      {
        clusters: [
          { name: 'k', location: 'europe-west1-b', status: 'RUNNING', currentNodeCount: 3, resourceLabels: { a: 'b' } },
        ],
      },
      { kind: 'cluster', zone: 'europe-west1-b', region: 'europe-west1', status: 'running', tags: { a: 'b' } },
    ],
    [
      'a cache',
      '/locations/-/instances',
      {
        instances: [
          {
            name: `projects/${projectId}/locations/europe-west1/instances/c`,
            state: 'READY',
            tier: 'BASIC',
            memorySizeGb: 4,
          },
        ],
      },
      { kind: 'cache', name: 'c', sizeGb: 4, type: 'BASIC', status: 'running' },
    ],
  ])('has %s', async (_, path, answer, resource) => {
    const { resources, problems } = await collect(apis({ [path]: answer }))
    expect(resources).toMatchObject([resource])
    expect(JSON.stringify(resources)).not.toContain('canary')
    expect(problems).toEqual([])
  })

  test('has all pages', async () => {
    const { resources } = await collect(
      apis({}, ({ path, query }) => {
        if (!path.endsWith('global/images')) return undefined
        const page = Number(query.get('pageToken') ?? 0)
        return {
          body: {
            items: [{ id: String(page), name: `i${page}` }],
            ...(page < 3 && { nextPageToken: String(page + 1) }),
          },
        }
      }),
    )
    expect(resources.map(({ name }) => name)).toEqual(['i0', 'i1', 'i2', 'i3'])
  })

  test('without the number of the project has names with its id', async () => {
    const { resources, problems } = await collect(
      apis({ 'global/images': { items: [{ id: '6', name: 'i' }] } }, ({ path }) =>
        path.startsWith('/v3/') ? denial(403, 'forbidden') : undefined,
      ),
    )
    expect(resources[0]?.id).toBe(`//compute.googleapis.com/projects/${projectId}/global/images/6`)
    expect(problems).toEqual([])
  })
})

describe('a part that cannot be read', () => {
  test.each([
    [
      'of an API that is not enabled',
      denial(403, 'SERVICE_DISABLED'),
      'api_disabled',
      /console\.cloud\.google\.com\/apis\/library\/compute\.googleapis\.com\?project=acme-billing-1/,
    ],
    ['without permission', denial(403, 'forbidden'), 'permission_missing', /may not read compute/],
    ['that is throttled', denial(429, 'rateLimitExceeded'), 'throttled', /limits the calls/],
    ['that fails', { status: 503 }, 'unavailable', /does not answer/],
  ])('%s is reported, and the rest is read', async (_, reply, state, message) => {
    const { parts, problems } = await collect(
      apis({}, ({ path }) => (path.endsWith('aggregated/disks') ? reply : undefined)),
    )
    expect(problems).toEqual([{ state, part: 'compute:disks', message: expect.stringMatching(message) }])
    expect(parts.map(({ part }) => part)).not.toContain('compute:disks')
    expect(parts.length).toBeGreaterThan(10)
  })

  test.each([
    [
      'a warning of a zone',
      { items: { 'zones/a': { disks: [disk] }, 'zones/b': { warning: { code: 'UNREACHABLE' } } } },
      'aggregated/disks',
      /zones\/b \(UNREACHABLE\)/,
    ],
    ['an unreachable place', { unreachables: ['zones/b'] }, 'aggregated/disks', /zones\/b/],
    ['an unreachable location', { unreachable: ['projects/p/locations/l'] }, '/functions', /locations\/l/],
  ])('whole (%s) keeps its last state', async (_, answer, path, message) => {
    const { parts, problems } = await collect(apis({ [path]: answer }))
    expect(problems).toMatchObject([{ state: 'unavailable', message: expect.stringMatching(message) }])
    expect(parts.map(({ part }) => part)).not.toContain(problems[0]?.part)
  })

  test('because its zone is empty is no problem', async () => {
    const { problems } = await collect(
      apis({ 'aggregated/disks': { items: { 'zones/a': { warning: { code: 'NO_RESULTS_ON_PAGE' } } } } }),
    )
    expect(problems).toEqual([])
  })
})

const recordings = resolve(import.meta.dirname, '../../../../../../shared/cases/clouds/gcp')
const describeRecorded = (() => {
  if (existsSync(recordings) || process.env['CI'] !== undefined) return describe
  process.stderr.write(`skipped: the recordings ${recordings} are missing\n`)
  return describe.skip
})()

describeRecorded('recorded answers of Google', () => {
  const recorded = (folder: string, file: string) =>
    (JSON.parse(readFileSync(join(recordings, folder, file), 'utf8')) as { body: { items: unknown } }).body

  test.each([
    ['instance-query', 'aggregated-instances', 'aggregated/instances', 'instances'],
    ['instance-asset-query', 'aggregated-instances', 'aggregated/instances', 'instances'],
    ['disk-query', 'aggregated-disks', 'aggregated/disks', 'disks'],
    ['disk-delete', 'aggregated-disks', 'aggregated/disks', 'disks'],
    ['snapshot-query', 'global-snapshots', 'global/snapshots', undefined],
    ['disk-snapshots-filter', 'global-snapshots', 'global/snapshots', undefined],
    ['image-query', 'global-images', 'global/images', undefined],
    ['sqlinstance-query', 'sql-v1beta4', `/v1/projects/${projectId}/instances`, undefined],
    ['sqlinstance-enable-deletion', 'instances_1', `/v1/projects/${projectId}/instances`, undefined],
  ])('%s is read whole', async (folder, name, path, field) => {
    const file =
      readdirSync(join(recordings, folder)).find(
        (each) => each.includes(name) && each.startsWith('get-') && each.endsWith('s_1.json'),
      ) ?? ''
    const body = recorded(folder, file)
    const items =
      field === undefined
        ? (body.items as object[])
        : Object.values(body.items as Record<string, Record<string, object[]>>).flatMap((scope) => scope[field] ?? [])
    const { resources } = await collect(apis({ [path]: body }))
    expect(items.length).toBeGreaterThan(0)
    expect(resources).toHaveLength(items.length)
    for (const { id, status, region, name } of resources) {
      expect(id).toMatch(/^\/\/(compute|cloudsql)\.googleapis\.com\/projects\/441570621172\//)
      expect(status).toMatch(/^(running|stopped|available|in-use|uploading)$/)
      expect(region).toMatch(/^(global|[a-z]+-[a-z]+\d+)$/)
      expect(name).not.toBe('')
    }
    expect(new Set(resources.map(({ id }) => id)).size).toBe(items.length)
  })
})
