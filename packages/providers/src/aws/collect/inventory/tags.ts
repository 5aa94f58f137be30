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

const read = new WeakMap<Reader, Map<string, Promise<TagsByArn>>>()

/** The tags of a region, once for each collection; empty, and reported, if AWS refuses them. */
export async function tagsIn(reader: Reader, region: string): Promise<TagsByArn> {
  const regions = read.get(reader) ?? new Map<string, Promise<TagsByArn>>()
  read.set(reader, regions)
  const part = `tag:resources/${region}`
  const tags =
    regions.get(region) ?? reader.attempt(part, () => allTags(reader, region)).then((all) => all ?? new Map())
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
