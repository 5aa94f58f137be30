import { type EstateResource, Random } from '@cloudoptima/sample'
import { createdAtOf, exists } from '../load.ts'

/** A resource of the bill, as the resource manager names it. */
export interface AzureResource extends EstateResource {
  id: string
  /** In lower case: `microsoft.sql/servers/databases`. */
  type: string
  name: string
  /** The id of its subscription. */
  subscription: string
  region: string
  zone: string
  size: number
  vmSize: string
  tags: Record<string, string> | null
  createdAt: Date
}

export function azureResource(resource: EstateResource): AzureResource {
  const { fields } = resource
  const id = fields.ResourceId ?? ''
  const details: { InstanceType?: string } = JSON.parse(fields.SkuPriceDetails || '{}')
  return {
    ...resource,
    id,
    type: typeOf(id),
    name: fields.ResourceName ?? '',
    subscription: guidOf(fields.SubAccountId),
    region: fields.RegionId ?? '',
    zone: fields.AvailabilityZone ?? '',
    vmSize: details.InstanceType ?? '',
    tags: JSON.parse(fields.Tags || 'null'),
    createdAt: createdAtOf(resource),
  }
}

/** `microsoft.sql/servers/databases` of `/subscriptions/.../providers/Microsoft.Sql/servers/a/databases/b`. */
export function typeOf(id: string): string {
  const [provider = '', ...path] = (id.split('/providers/')[1] ?? '').split('/')
  return [provider, ...path.filter((_, index) => index % 2 === 0)].join('/').toLowerCase()
}

/** The id of a subscription without `/subscriptions/`. */
export const guidOf = (path = '') => path.replace('/subscriptions/', '')

const attachedShare = 0.85
export const machines = 'microsoft.compute/virtualmachines'
export const disks = 'microsoft.compute/disks'

/** The machine of a disk, in its region (their zones may differ); some have none, and some have outlived it. */
export function machineOf(
  { key, region, subscription }: AzureResource,
  resources: readonly AzureResource[],
  time: Date,
): AzureResource | undefined {
  if (Random.uniform(Random.mix(key, 41)) > attachedShare) return undefined
  const near = resources.filter(
    (each) => each.type === machines && each.region === region && each.subscription === subscription,
  )
  const chosen = near[key % near.length]
  return chosen && exists(chosen, time) ? chosen : undefined
}
