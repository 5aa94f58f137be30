import {
  type Access,
  BulkTag,
  type CloudCredentials,
  CloudAccounts,
  type Problem,
  type Provider,
  type Resource,
  type Taggable,
  type TagsByKey,
} from '@cloudoptima/core'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { createClouds } from '@cloudoptima/providers/access'
import { describe, expect, test } from 'vitest'
import type { SimulatedClouds } from './start.ts'
import { simulatedClouds } from './testing.ts'

const world = simulatedClouds({ seed: 3, rows: 16_000, months: 2 })
const keys = { accessKeyId: 'a', secretAccessKey: 'b' }

function collection(credentials: CloudCredentials) {
  const problems: Problem[] = []
  const calls: string[] = []
  const access: Access = {
    credentials,
    meter: { take: async ({ api }) => void calls.push(api) },
    report: (problem) => void problems.push(problem),
    signal: AbortSignal.timeout(25_000),
    now: () => world.now,
  }
  const clouds = createClouds({ endpoints: world.clouds.endpoints, awsCredentials: keys })
  const provider: Provider = clouds[credentials.cloud]
  return { provider, access, problems, calls }
}

/** Of an account of each cloud. */
const chosen = {
  aws: () => Object.keys(world.clouds.roles.aws)[1],
  azure: () => Object.keys(world.clouds.roles.azure)[0],
  gcp: () => 'larkfield-analytics-prod',
}

/** The credentials that read, and those that act. */
function credentialsOf(cloud: 'aws' | 'azure' | 'gcp'): { read: CloudCredentials; act: CloudCredentials } {
  const id = chosen[cloud]() ?? ''
  const from = (roles: SimulatedClouds['roles']): CloudCredentials => {
    const role = { aws: roles.aws[id], azure: roles.azure[id], gcp: roles.gcp[id] }[cloud]
    if (!role) throw new Error('The company has the account')
    return { cloud, ...role } as CloudCredentials
  }
  return { read: from(world.clouds.roles), act: from(world.clouds.actingRoles) }
}

async function resourcesOf(cloud: 'aws' | 'azure' | 'gcp'): Promise<Resource[]> {
  const { provider, access } = collection(credentialsOf(cloud).read)
  const parts = await Array.fromAsync(provider.inventory(access))
  return parts.flatMap(({ resources }) => resources)
}

const kinds = {
  aws: ['instance', 'volume', 'snapshot', 'database', 'table', 'function'],
  azure: ['instance', 'volume', 'bucket', 'database'],
  gcp: ['instance', 'volume', 'snapshot'],
} as const

describe.each(['aws', 'azure', 'gcp'] as const)('tags of %s', (cloud) => {
  test('are set, read and removed on each kind of resource, and the next inventory shows them', async () => {
    const all = await resourcesOf(cloud)
    const some = kinds[cloud].flatMap((kind) => all.filter((one) => one.kind === kind).slice(0, 2))
    expect(new Set(some.map(({ kind }) => kind))).toEqual(new Set(kinds[cloud]))
    const { provider, access, calls } = collection(credentialsOf(cloud).act)
    const before = new Map(
      (await provider.tags(access, some)).map((answer) => [answer.id, 'tags' in answer ? answer.tags : undefined]),
    )
    for (const { id, tags } of some) expect(before.get(id)).toEqual(tags)
    const change = (set: TagsByKey, remove: TagsByKey) => async (resource: Taggable) => ({
      resource,
      before: before.get(resource.id) ?? {},
      set,
      remove,
    })
    const added = await Promise.all(some.map(change({ 'cost-center': '42', stage: 'live' }, {})))
    expect(await provider.retag(access, added)).toEqual(some.map(({ id }) => ({ id })))
    // A repetition changes nothing.
    expect(await provider.retag(access, added)).toEqual(some.map(({ id }) => ({ id })))
    const shown = new Map((await resourcesOf(cloud)).map(({ id, tags }) => [id, tags]))
    for (const { id, tags } of some) expect(shown.get(id)).toEqual({ ...tags, 'cost-center': '42', stage: 'live' })
    for (const { id } of some) before.set(id, shown.get(id))
    const removed = await Promise.all(some.map(change({}, { 'cost-center': '42', stage: 'live' })))
    expect(await provider.retag(access, removed)).toEqual(some.map(({ id }) => ({ id })))
    expect(await provider.tags(access, some)).toEqual(some.map(({ id, tags }) => ({ id, tags })))
    expect(calls.length).toBeGreaterThan(3)
  })

  test('of a resource that is gone, or cannot be tagged, are refused without harm to the others', async () => {
    const all = await resourcesOf(cloud)
    const one = all.find(({ kind }) => kind === 'instance')
    if (!one) throw new Error('no instance')
    const rename = (name: string) => name.replace(/[^/]+$/, cloud === 'gcp' ? 'gone' : 'i-gone')
    const gone = { ...one, id: rename(one.id), aliases: (one.aliases ?? []).map(rename) }
    const odd: Taggable = { id: 'commitment', kind: 'commitment', region: one.region }
    const { provider, access } = collection(credentialsOf(cloud).act)
    const changes = [gone, odd, one].map((resource) => ({ resource, before: {}, set: { x: 'y' }, remove: {} }))
    const answers = await provider.retag(access, changes)
    expect(answers).toEqual([
      { id: gone.id, refusal: expect.stringMatching(/does not exist/) },
      { id: 'commitment', refusal: expect.stringMatching(/no ARN|no resource of|cannot be changed here/) },
      { id: one.id },
    ])
    expect(await provider.tags(access, [one])).toEqual([{ id: one.id, tags: { ...one.tags, x: 'y' } }])
    await provider.retag(access, [{ resource: one, before: { ...one.tags, x: 'y' }, set: {}, remove: { x: 'y' } }])
  })
})

test.each([
  ['aws', 'lacks the permission tag:TagResources'],
  ['azure', 'AuthorizationFailed'],
  ['gcp', 'Google Cloud refused it (denied)'],
] as const)('what reads %s cannot change tags', async (cloud, reason) => {
  const one = (await resourcesOf(cloud)).find(({ kind }) => kind === 'volume')
  if (!one) throw new Error('no volume')
  const { provider, access } = collection(credentialsOf(cloud).read)
  expect(await provider.retag(access, [{ resource: one, before: {}, set: { x: 'y' }, remove: {} }])).toEqual([
    { id: one.id, refusal: expect.stringContaining(reason) },
  ])
})

test('a label that somebody else has changed meanwhile stays', async () => {
  const one = (await resourcesOf('gcp')).find(({ kind }) => kind === 'volume')
  if (!one) throw new Error('no disk')
  const { provider, access } = collection(credentialsOf('gcp').act)
  const before = { ...one.tags }
  await provider.retag(access, [{ resource: one, before, set: { stage: 'theirs' }, remove: {} }])
  const answer = await provider.retag(access, [
    { resource: one, before, set: { stage: 'ours', more: '1' }, remove: {} },
  ])
  expect(answer).toEqual([{ id: one.id, refusal: 'Somebody has changed the labels meanwhile: stage.' }])
  expect(await provider.tags(access, [one])).toEqual([{ id: one.id, tags: { ...before, stage: 'theirs' } }])
})

test('a throttled call is the refusal of its resource alone', async () => {
  const some = (await resourcesOf('azure')).filter(({ kind }) => kind === 'volume').slice(0, 2)
  const { provider, access } = collection(credentialsOf('azure').act)
  world.clouds.faults.calls = [{ call: 'Microsoft.Resources/tags', kind: 'throttled', times: 1, seconds: 60 }]
  const changes = some.map((resource) => ({ resource, before: {}, set: { x: 'y' }, remove: {} }))
  const answers = await provider.retag(access, changes)
  expect(answers.map(({ refusal }) => refusal).filter((refusal) => refusal !== undefined)).toEqual([
    expect.stringMatching(/limits the calls/),
  ])
})

test.each(['aws', 'azure', 'gcp'] as const)('a change of %s whose answer is lost is made once', async (cloud) => {
  const one = (await resourcesOf(cloud)).find(({ kind }) => kind === 'volume')
  if (!one) throw new Error('no volume')
  const { provider, access } = collection(credentialsOf(cloud).act)
  const call = { aws: 'tag:TagResources', azure: 'Microsoft.Resources/tags', gcp: 'compute.disks.setLabels' }[cloud]
  world.clouds.faults.calls = [{ call, kind: 'lost', times: 1 }]
  const change = { resource: one, before: { ...one.tags }, set: { lost: 'once' }, remove: {} }
  expect(await provider.retag(access, [change])).toEqual([{ id: one.id }])
  expect(await provider.tags(access, [one])).toEqual([{ id: one.id, tags: { ...one.tags, lost: 'once' } }])
})

describe('a bulk tag of resources of three clouds', () => {
  const clouds = ['aws', 'azure', 'gcp'] as const

  async function worldOf() {
    const found = await Promise.all(
      clouds.map(async (cloud) => {
        const all = await resourcesOf(cloud)
        return ['instance', 'volume'].flatMap((kind) => all.filter((one) => one.kind === kind).slice(0, 3))
      }),
    )
    const { aws, azure, gcp } = {
      aws: credentialsOf('aws'),
      azure: credentialsOf('azure'),
      gcp: credentialsOf('gcp'),
    }
    if (aws.read.cloud !== 'aws' || azure.read.cloud !== 'azure' || gcp.read.cloud !== 'gcp') throw new Error('clouds')
    const accountIds = [aws.read.roleArn.split(':')[4] ?? '', azure.read.subscriptionId, gcp.read.projectId]
    const rows = found.flatMap((resources, n) =>
      resources.map((resource) => ({
        ...resource,
        aliases: JSON.stringify(resource.aliases ?? []),
        tags: JSON.stringify(resource.tags),
        provider: clouds[n],
        accountId: accountIds[n],
      })),
    )
    const query = async (name: string) => (name === 'resources' ? rows : [{ count: rows.length }])
    const runtime = memoryRuntime(() => ({ query: query as never }))
    runtime.clouds = createClouds({ endpoints: world.clouds.endpoints, awsCredentials: keys })
    const ctx = testContext(runtime, { now: () => world.now })
    const { roleArn, externalId } = aws.read
    await runtime.tables.externalIds.put('org_test', { id: externalId, createdAt: '' })
    const connected = [
      await CloudAccounts.connectAws(ctx, { roleArn, externalId }),
      await CloudAccounts.connectAzure(ctx, withoutCloud(azure.read)),
      await CloudAccounts.connectGcp(ctx, { projectId: gcp.read.projectId, serviceAccountJson: keyFileOf(gcp.read) }),
    ]
    const allow = async () => {
      const [ofAws, ofAzure, ofGcp] = connected.map(({ id }) => id)
      if (aws.act.cloud !== 'aws' || azure.act.cloud !== 'azure' || gcp.act.cloud !== 'gcp') throw new Error('clouds')
      const { clientId, clientSecret } = azure.act
      await CloudAccounts.allowActions(ctx, { id: ofAws ?? '', roleArn: aws.act.roleArn })
      await CloudAccounts.allowActions(ctx, { id: ofAzure ?? '', clientId, clientSecret })
      await CloudAccounts.allowActions(ctx, { id: ofGcp ?? '', serviceAccountJson: keyFileOf(gcp.act) })
    }
    const tagsOf = async () =>
      (await Promise.all(clouds.map(resourcesOf)))
        .flat()
        .flatMap(({ id, tags }) => (ids.includes(id) ? [{ id, tags }] : []))
    const ids = rows.map(({ id }) => id)
    return { ctx, ids, allow, tagsOf }
  }

  function withoutCloud(credentials: CloudCredentials & { cloud: 'azure' }) {
    const { cloud: _, ...given } = credentials
    return given
  }
  const keyFileOf = ({ serviceAccount }: CloudCredentials & { cloud: 'gcp' }) =>
    Buffer.from(JSON.stringify(serviceAccount)).toString('base64')

  test('needs the roles for actions, changes each, and is undone to the tags of before', async () => {
    const { ctx, ids, allow, tagsOf } = await worldOf()
    const before = await tagsOf()
    expect(ids.length).toBeGreaterThan(12)
    expect(before).toHaveLength(ids.length)
    const tags = { team: 'checkout', 'cost-center': '42' }
    const refused = await BulkTag.bulkTag(ctx, { resourceIds: ids, tags })
    expect(refused.failed).toHaveLength(ids.length)
    expect(await tagsOf()).toEqual(before)
    await allow()
    const done = await BulkTag.bulkTag(ctx, { resourceIds: ids, tags, overwrite: true })
    expect(done).toMatchObject({ success: true, updatedCount: ids.length })
    const after = await tagsOf()
    for (const { tags: own } of after) {
      const spelled = Object.fromEntries(Object.entries(own ?? {}).map(([key, value]) => [key.toLowerCase(), value]))
      expect(spelled).toMatchObject(tags)
    }
    expect(await BulkTag.undo(ctx, { id: done.id ?? '' })).toMatchObject({ success: true, restoredCount: ids.length })
    expect(await tagsOf()).toEqual(before)
  })

  test('names the resources of the cloud that fails, and changes those of the others', async () => {
    const { ctx, ids, allow } = await worldOf()
    await allow()
    world.clouds.faults.calls = [{ call: 'tag:TagResources', kind: 'disabled', times: 100 }]
    const done = await BulkTag.bulkTag(ctx, { resourceIds: ids, tags: { stage: 'live' }, overwrite: true })
    const ofAws = ids.filter((id) => !id.startsWith('/'))
    expect(done.updatedCount).toBe(ids.length - ofAws.length)
    expect(done.failed.map(({ resourceId }) => resourceId)).toEqual(ofAws)
    expect(await BulkTag.undo(ctx, { id: done.id ?? '' })).toMatchObject({ success: true })
  })
})
