import type { EstateResource } from '@cloudoptima/sample'
import { createdAtOf } from '../load.ts'

/** What calls change. The times are in milliseconds since 1970. */
export interface Changes {
  tags?: Record<string, string>
  /** The size in its meter: `m6i.xlarge`. */
  class?: string
  power?: { isOn: boolean; since: number }
  endedAt?: number | undefined
  /** When a call has made it; undefined if the bill has it. */
  madeAt?: number
  /** Of a volume. */
  shape?: { type: string; sizeGb: number; iops: number; throughput: number }
  /** Of a volume or database. */
  modifiedAt?: number | undefined
  /** Of a bucket, as XML; null: it has no rules. */
  lifecycle?: string | null
  /** The NAT gateway to which the routes of a NAT gateway lead since. */
  routedTo?: string
  /** Of a new load balancer. */
  lacksListener?: boolean
  memoryMb?: number
  /** Null: for ever. */
  retentionDays?: number | null
  /** The id of its instance. */
  attachment?: string | null
  clientToken?: string | undefined
  /** Of a snapshot. */
  madeOf?: { volumeId: string; sizeGb: number } | undefined
}

/** A resource of the bill, as the APIs of AWS name it, with its changes. */
export interface AwsResource extends EstateResource, Changes {
  arn: string
  /** As in filters of tags: `ec2:instance`, `s3`. */
  type: string
  /** The end of its ARN: `i-0abc`, `app/name/50dc6c49`. */
  id: string
  name: string
  account: string
  region: string
  zone: string
  class: string
  tags: Record<string, string>
  createdAt: Date
}

const arnForm = /^arn:aws:(?<service>[\w-]+):[^:]*:[^:]*:(?:(?<kind>[a-z-]+)[:/])?(?<id>.+)$/

/** Their bill has no such tag. */
const namedByTag = new Set(['ec2:instance', 'ec2:volume'])

export function awsResource(resource: EstateResource): AwsResource {
  const { fields } = resource
  const arn = fields.ResourceId ?? ''
  const { service = '', kind, id = '' } = arnForm.exec(arn)?.groups ?? {}
  const type = kind === undefined ? service : `${service}:${kind}`
  const name = fields.ResourceName ?? ''
  return {
    ...resource,
    arn,
    id,
    type,
    name,
    account: fields.SubAccountId ?? '',
    region: fields.RegionId ?? '',
    zone: fields.AvailabilityZone ?? '',
    class: fields.SkuMeter?.split(':')[1] ?? '',
    tags: { ...(namedByTag.has(type) && { Name: name }), ...JSON.parse(fields.Tags || '{}') },
    createdAt: createdAtOf(resource),
  }
}

export function tagsOf(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}
