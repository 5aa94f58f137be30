import type * as Sdk from '@aws-sdk/client-resource-groups-tagging-api'
import { Fault, type Retagged, type Taggable, type TagChange, type TagsByKey, type TagsNow } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo, Actor } from '../../access/verdict.ts'
import { inTurns } from '../../collect/concurrent.ts'
import { Failure } from '../collect/failure.ts'
import { tagsOf } from '../collect/inventory/row.ts'
import { openReader, type Reader } from '../collect/reader.ts'
import { createSessions } from '../collect/sessions.ts'

/** The limits of the Resource Groups Tagging API. */
const mostRead = 100
const mostChanged = 20
const atOnce = 4

/** Reads and changes tags by the role for actions: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/ */
export function awsActor(options: AccessOptions): Actor<'aws'> {
  const sessions = createSessions(options, 'action')
  const open = async (access: AccessTo<'aws'>) => await openReader(options, sessions, access)
  return {
    tags: async (access, resources) => await tagsNow(await open(access), resources),
    retag: async (access, changes) => await retag(await open(access), changes),
  }
}

const arnOf = ({ id, aliases = [] }: Taggable) => [id, ...aliases].find((name) => name.startsWith('arn:'))

/** The ARNs of snapshots and images have the account in some APIs, and none in others. */
const withoutAccount = (arn: string) => arn.split(':').toSpliced(4, 1).join(':')

const noArn = 'AWS has no ARN for this resource, and so no tags of it can be changed.'

interface Named<Item> {
  item: Item
  id: string
  arn: string
}

/** Batches of one region and one `key`. */
function batchesOf<Item>(
  items: readonly Item[],
  resourceOf: (item: Item) => Taggable,
  most: number,
  keyOf: (item: Item) => unknown = () => '',
): { region: string; batch: Named<Item>[] }[] {
  const named = items.flatMap((item) => {
    const resource = resourceOf(item)
    const arn = arnOf(resource)
    return arn === undefined ? [] : [{ item, id: resource.id, arn, region: resource.region }]
  })
  const groups = Map.groupBy(named, ({ item, region }) => JSON.stringify([region, keyOf(item)]))
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / most) }, (_, n) => ({
      region: group[0]?.region ?? '',
      batch: group.slice(n * most, (n + 1) * most),
    })),
  )
}

async function clientIn(reader: Reader, region: string) {
  const sdk = await import('@aws-sdk/client-resource-groups-tagging-api')
  return { sdk, client: reader.client('tag', sdk.ResourceGroupsTaggingAPIClient, region) }
}

interface Refused {
  refusal: string
  isPassing?: true
  /** AWS may have carried it out. */
  isSilent: boolean
}

/** The value of `work`, or why AWS refused it. */
async function orRefusal<Value>(work: () => Promise<Value>): Promise<Value | Refused> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { message: refusal, isSilent, state } = error
    return { refusal, isSilent, ...((isSilent || state === 'throttled') && { isPassing: true }) }
  }
}

/** AWS leaves out resources that never had a tag. */
async function tagsNow(reader: Reader, resources: readonly Taggable[]): Promise<TagsNow[]> {
  const answers = await inTurns(
    batchesOf(resources, (one) => one, mostRead),
    atOnce,
    async ({ region, batch }) => {
      const found = await orRefusal(async () => await tagsByArn(reader, region, batch))
      return batch.map(({ id, arn }): TagsNow =>
        'refusal' in found
          ? { id, refusal: found.refusal, ...(found.isPassing && { isPassing: true }) }
          : { id, tags: found.tags.get(withoutAccount(arn)) ?? {} },
      )
    },
  )
  const byId = new Map(answers.flat().map((answer) => [answer.id, answer]))
  return resources.map(({ id }) => byId.get(id) ?? { id, refusal: noArn })
}

async function tagsByArn(reader: Reader, region: string, batch: readonly Named<unknown>[]) {
  const { sdk, client } = await clientIn(reader, region)
  const asked = { ResourceARNList: batch.map(({ arn }) => arn) }
  const pages = await Array.fromAsync(sdk.paginateGetResources({ client }, asked))
  const listed = pages.flatMap(({ ResourceTagMappingList = [] }) => ResourceTagMappingList)
  return {
    tags: new Map(listed.map(({ ResourceARN = '', Tags: own }) => [withoutAccount(ResourceARN), tagsOf(own)] as const)),
  }
}

/** The tags of a resource whose own description has none; throws Fault `conflict` if it has no ARN. */
export async function tagsOn(reader: Reader, resource: Taggable): Promise<{ Key: string; Value: string }[]> {
  const { id, region } = resource
  const arn = arnOf(resource)
  if (arn === undefined) throw new Fault('conflict', noArn)
  const { tags } = await tagsByArn(reader, region, [{ item: undefined, id, arn }])
  return Object.entries(tags.get(withoutAccount(arn)) ?? {}).map(([Key, Value]) => ({ Key, Value }))
}

type Failed = Sdk.TagResourcesCommandOutput['FailedResourcesMap']

async function retag(reader: Reader, changes: readonly TagChange[]): Promise<Retagged[]> {
  const hasSome = (tags: TagsByKey) => Object.keys(tags).length > 0
  const set = await eachBatch(reader, changes, ({ set: own }) => hasSome(own), 'set')
  const rest = changes.filter(({ resource }) => !set.has(resource.id))
  const removed = await eachBatch(reader, rest, ({ remove }) => hasSome(remove), 'remove')
  return changes.map(({ resource, set: own }) => {
    const { id } = resource
    if (arnOf(resource) === undefined) return { id, refusal: noArn }
    const refused = set.get(id) ?? removed.get(id)
    if (!refused) return { id }
    const isPartly = refused.isSilent || (removed.has(id) && hasSome(own))
    return {
      id,
      refusal: refused.refusal,
      ...(isPartly ? { isPartly } : refused.isPassing && { isPassing: true }),
    }
  })
}

/** The refusals by id. */
async function eachBatch(
  reader: Reader,
  changes: readonly TagChange[],
  isWanted: (change: TagChange) => boolean,
  step: 'set' | 'remove',
): Promise<Map<string, Refused>> {
  const wanted = changes.filter(isWanted)
  const batches = batchesOf(
    wanted,
    ({ resource }) => resource,
    mostChanged,
    (change) => change[step],
  )
  const refusals = await inTurns(batches, atOnce, async ({ region, batch }) => {
    const [first] = batch
    const { sdk, client } = await clientIn(reader, region)
    const ResourceARNList = batch.map(({ arn }) => arn)
    const call = async () => {
      if (step === 'set')
        return await client.send(new sdk.TagResourcesCommand({ ResourceARNList, Tags: { ...first?.item.set } }))
      const TagKeys = Object.keys(first?.item.remove ?? {})
      return await client.send(new sdk.UntagResourcesCommand({ ResourceARNList, TagKeys }))
    }
    const answer = await orRefusal(call)
    if ('refusal' in answer) return batch.map(({ id }) => [id, answer] as const)
    return refusalsIn(answer.FailedResourcesMap, batch)
  })
  return new Map(refusals.flat())
}

function refusalsIn(failed: Failed, batch: readonly Named<unknown>[]): (readonly [string, Refused])[] {
  const byArn = new Map(Object.entries(failed ?? {}).map(([arn, reason]) => [withoutAccount(arn), reason]))
  return batch.flatMap(({ id, arn }) => {
    const reason = byArn.get(withoutAccount(arn))
    if (!reason) return []
    const { ErrorCode = String(reason.StatusCode ?? ''), ErrorMessage = '' } = reason
    const refusal = `AWS refused it (${ErrorCode}): ${ErrorMessage.slice(0, 300)}`
    const isSilent = reason.StatusCode !== undefined && reason.StatusCode >= 500
    return [[id, { refusal, isSilent, ...(isSilent && { isPassing: true }) }] as const]
  })
}
