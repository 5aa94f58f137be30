import type { ResourceType } from '@aws-sdk/client-ec2'
import type { ActionTarget, Json, TagsByKey } from '@cloudoptima/core'
import { tagsOf } from '../collect/inventory/row.ts'

/** The tag by which a step finds what an earlier one has made. */
export const orderTag = 'cloudoptima:order'

/** Of a resource: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
export const mostTags = 50

interface Tagged {
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
}

export const orderFilter = (token: string) => ({ Name: `tag:${orderTag}`, Values: [token] })

export const isOfOrder = ({ Tags = [] }: Tagged, token: string): boolean => tagsOf(Tags)[orderTag] === token

/** The tags of something that is made in place of a resource with these tags. */
export function tagsFor(type: ResourceType, tags: TagsByKey, token: string) {
  const all = Object.entries({ ...tags, [orderTag]: token })
  return [{ ResourceType: type, Tags: all.map(([Key, Value]) => ({ Key, Value })) }]
}

/** Nobody but AWS can set its tags again. */
export function lostTags({ Tags = [] }: Tagged): string[] {
  const reserved = Tags.flatMap(({ Key = '' }) => (Key.startsWith('aws:') ? Key : []))
  return reserved.length === 0 ? [] : [`the tags that AWS sets itself (${reserved.join(', ')})`]
}

/** The end of an id or ARN: `vol-1`. */
export const shortId = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

/** The target under a new id of EC2, if there is one. */
export function renamed(target: ActionTarget, oldId: string, newId: Json | undefined): ActionTarget {
  if (typeof newId !== 'string') return target
  const rename = (name: string) => (shortId(name) === shortId(oldId) ? name.replace(shortId(oldId), newId) : name)
  const { aliases } = target
  return { ...target, id: rename(target.id), ...(aliases && { aliases: aliases.map(rename) }) }
}
