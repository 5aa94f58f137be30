import type { Reader } from '../reader.ts'
import { tagsOf } from './row.ts'

type TagsByArn = ReadonlyMap<string, Record<string, string>>

/** Types whose own API lists no tags. */
const types = [
  'dynamodb:table',
  'ecs:cluster',
  'ecs:service',
  'elasticache:cluster',
  'elasticache:reserved-instance',
  'elasticloadbalancing:loadbalancer',
  'lambda:function',
  'logs:log-group',
  'rds:ri',
  's3',
]

const services = new Set(types.map((type) => type.split(':')[0]))

/** Whether tags of the service's resources are asked apart. `prefix` is IAM's name of the service. */
export const hasTagsApart = (prefix: string): boolean => services.has(prefix)

const read = new WeakMap<Reader, Map<string, Promise<TagsByArn | undefined>>>()

/** The tags of a region, once for each collection; undefined, and reported, if AWS refuses them. */
export async function tagsIn(reader: Reader, region: string): Promise<TagsByArn | undefined> {
  const regions = read.get(reader) ?? new Map<string, Promise<TagsByArn | undefined>>()
  read.set(reader, regions)
  const part = `tag:resources/${region}`
  const tags = regions.get(region) ?? reader.attempt(part, () => allTags(reader, region))
  regions.set(region, tags)
  return await tags
}

async function allTags(reader: Reader, region: string): Promise<TagsByArn> {
  const { paginateGetResources, ResourceGroupsTaggingAPIClient } =
    await import('@aws-sdk/client-resource-groups-tagging-api')
  const client = reader.client('tag', ResourceGroupsTaggingAPIClient, region)
  const pages = await Array.fromAsync(paginateGetResources({ client, pageSize: 100 }, { ResourceTypeFilters: types }))
  const listed = pages.flatMap(({ ResourceTagMappingList = [] }) => ResourceTagMappingList)
  return new Map(listed.map(({ ResourceARN = '', Tags }) => [ResourceARN, tagsOf(Tags)]))
}
