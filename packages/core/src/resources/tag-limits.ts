import type { TagsByKey } from '../effects/clouds.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type { ResourceKind } from '../kernel/resource.ts'

/** The product does not change resources that have one of them with the value `true`, nor these tags themselves. */
export const protectionTags = ['cloudoptima:protected', 'cloudoptima-protected'] as const

/** Whether the tags keep the product away; on AWS the role for actions cannot either. */
export function isProtected(cloud: Cloud, tags: TagsByKey): boolean {
  return protectionTags.some((key) => {
    const spelled = spelledIn(cloud, tags, key)
    return spelled !== undefined && tags[spelled] === 'true'
  })
}

interface Limits {
  name: string
  /** Of a resource. */
  mostTags: number
  keyLength(kind: ResourceKind): number
  valueLength: number
  key: RegExp
  value: RegExp
  characters: string
  reserved: RegExp
  /** Whether `Team` and `team` are one tag. */
  ignoresCase: boolean
}

const neverReserved = /^$/

export const tagLimits: Record<Cloud, Limits> = {
  // https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
  aws: {
    name: 'AWS',
    mostTags: 50,
    keyLength: () => 128,
    valueLength: 256,
    key: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u,
    value: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u,
    characters: 'letters, digits, spaces and _ . : / = + - @',
    reserved: /^aws:/i,
    ignoresCase: false,
  },
  // https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
  azure: {
    name: 'Azure',
    mostTags: 50,
    keyLength: (kind) => (kind === 'bucket' ? 128 : 512),
    valueLength: 256,
    key: /^[^<>%&\\?/\p{Cc}]+$/u,
    value: /^\P{Cc}*$/u,
    characters: 'no < > % & \\ ? / and no control characters in keys',
    reserved: /^(microsoft|azure|windows)/i,
    ignoresCase: true,
  },
  // https://cloud.google.com/compute/docs/labeling-resources#label_format
  gcp: {
    name: 'Google Cloud',
    mostTags: 64,
    keyLength: () => 63,
    valueLength: 63,
    key: /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]*$/u,
    value: /^[\p{Ll}\p{Lo}\p{N}_-]*$/u,
    characters: 'lower-case letters, digits, _ and -, and keys begin with a letter',
    reserved: neverReserved,
    ignoresCase: false,
  },
}

/** Tags that the cloud sets itself, and does not count. */
export function isOwnOf(cloud: Cloud, key: string): boolean {
  return cloud === 'aws' && tagLimits.aws.reserved.test(key)
}

/** The name under which a resource has the tag. */
export function spelledIn(cloud: Cloud, tags: TagsByKey, key: string): string | undefined {
  if (Object.hasOwn(tags, key)) return key
  if (!tagLimits[cloud].ignoresCase) return undefined
  return Object.keys(tags).find((known) => known.toLowerCase() === key.toLowerCase())
}

/** Why the cloud would refuse one of the tags. */
export function complaintOf(cloud: Cloud, kind: ResourceKind, tags: TagsByKey): string | undefined {
  const { name, keyLength, valueLength, key: keyForm, value: valueForm, characters, reserved } = tagLimits[cloud]
  const keys = Object.keys(tags)
  if (tagLimits[cloud].ignoresCase && new Set(keys.map((key) => key.toLowerCase())).size < keys.length)
    return `${name} ignores the case of keys, and two of these are the same.`
  for (const [key, value] of Object.entries(tags)) {
    if (key.length > keyLength(kind)) return `${name} allows keys of ${keyLength(kind)} characters: ${key}.`
    if (value.length > valueLength) return `${name} allows values of ${valueLength} characters: ${key}.`
    if (reserved.test(key)) return `${name} reserves keys such as ${key}.`
    if (!keyForm.test(key)) return `${name} does not allow the key ${key}: ${characters}.`
    if (!valueForm.test(value)) return `${name} does not allow this value of ${key}: ${characters}.`
  }
  return undefined
}
