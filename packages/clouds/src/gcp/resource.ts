import { type EstateResource, Random } from '@cloudoptima/sample'
import { createdAtOf } from '../load.ts'

/** Where a disk is attached. */
export interface Attachment {
  /** The number of the instance. */
  instance: string
  deviceName: string
  mode: string
  autoDelete: boolean
  interface: string
}

/** What calls have changed since the start; bills know nothing of it. */
export interface Changes {
  labels?: Record<string, string>
  machineType?: string
  /** Undefined: the bill decides. */
  status?: string
  /** A call has stopped it then. */
  offSince?: Date | undefined
  /** Null: of no instance. Undefined: as the company has it. */
  attachment?: Attachment | null
  /** Fields of the API that a call has set. */
  set?: Readonly<Record<string, unknown>>
  isGone?: boolean
}

/** A resource of the bill, as the APIs of Google Cloud name it, with its changes. */
export interface GcpResource extends EstateResource, Changes {
  /** Service and collection: `compute/instances`. */
  type: string
  project: string
  /** In its project: `zones/us-central1-b/instances/web`. */
  path: string
  name: string
  /** Its own number, which names it in Compute Engine. */
  number: string
  region: string
  zone: string
  machineType: string
  labels: Record<string, string>
  createdAt: Date
}

const nameForm =
  /^\/\/(?<service>\w+)\.googleapis\.com\/projects\/[^/]+\/(?<path>(?:.+\/)?(?<collection>\w+)\/(?<name>[^/]+))$/

export function gcpResource(resource: EstateResource): GcpResource {
  const { fields } = resource
  const { service, path = '', collection, name = '' } = nameForm.exec(fields.ResourceId ?? '')?.groups ?? {}
  const details: { MachineType?: string } = JSON.parse(fields.SkuPriceDetails || '{}')
  return {
    ...resource,
    type: `${service}/${collection}`,
    project: fields.SubAccountId ?? '',
    path,
    name,
    number: numberOf(fields.ResourceId ?? ''),
    region: fields.RegionId ?? '',
    zone: fields.AvailabilityZone ?? '',
    machineType: details.MachineType ?? '',
    labels: JSON.parse(fields.Tags || '{}'),
    createdAt: createdAtOf(resource),
  }
}

/** The number that Google gave to a name: 19 digits. */
export function numberOf(name: string): string {
  return `1${String(BigInt(`0x${Random.hex(Random.hash(name), 15)}`))
    .padStart(18, '0')
    .slice(-18)}`
}
