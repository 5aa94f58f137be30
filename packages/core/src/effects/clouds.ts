import type { ActionName } from '../kernel/action.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type { ListPrice } from '../kernel/list-price.ts'
import type { Measurement, Resource } from '../kernel/resource.ts'
import type { CloudAction } from './acting.ts'

/** All clouds. A new one is its folder in `packages/providers` and its row here. */
export interface Clouds extends Record<Cloud, Provider> {
  aws: Provider & AwsSetup
}

/**
 * All that differs between clouds. Each call throws Fault `unavailable` if the cloud does not answer, `rate_limited`
 * with the seconds to wait if it throttles, and `forbidden` if it refuses the credentials.
 */
export interface Provider {
  verify(credentials: CloudCredentials): Promise<Verification>
  /** The complete deliveries of the best export of the account, the newest billing period first. */
  bills(access: Access): AsyncIterable<BillDelivery>
  /** Costs from the query API, for the time before the first export; nothing where the export is prompt. */
  preliminary(access: Access): AsyncIterable<BillDelivery>
  /** The resources of the account, part by part. */
  inventory(access: Access): AsyncIterable<InventoryPart>
  /** Hourly values of a UTC day. */
  utilization(access: Access, asked: UtilizationQuestion): AsyncIterable<Measurement[]>
  /** The public prices in each region, one list after the other; none for a region that the cloud has no list of. */
  prices(access: Access, asked: PriceQuestion): AsyncIterable<PriceList>
  /** The tags that each resource has now. */
  tags(access: Access, resources: readonly Taggable[]): Promise<TagsNow[]>
  /** Changes each resource on its own, and answers for each: a repetition changes nothing more. */
  retag(access: Access, changes: readonly TagChange[]): Promise<Retagged[]>
  /** With the credentials for actions, or those that read for a plan alone; undefined if this cloud has no such action. */
  action(access: Access, name: ActionName): Promise<CloudAction | undefined>
}

/** What a cloud needs to find a resource. */
export type Taggable = Pick<Resource, 'id' | 'aliases' | 'kind' | 'region'>

export type TagsByKey = Readonly<Record<string, string>>

/** `refusal` says why the cloud did not answer, and what to do. */
export type TagsNow = { id: string } & ({ tags: TagsByKey } | { refusal: string; isPassing?: true })

export interface TagChange {
  resource: Taggable
  /** As they were read. Where the cloud allows it, tags that have changed since are a refusal. */
  before: TagsByKey
  set: TagsByKey
  /** With the values that they have. */
  remove: TagsByKey
}

export interface Retagged {
  id: string
  /** The resource is not changed, unless `isPartly`. */
  refusal?: string
  /** A part of the change is made, or may be: the cloud did not answer after it was sent. */
  isPartly?: true
  /** Nothing is changed, because the cloud throttles: the same may succeed later. */
  isPassing?: true
}

/** Access to one account for one collection. */
export interface Access {
  credentials: CloudCredentials
  meter: Meter
  /** Names a part that cannot be read. The rest is still collected. */
  report(problem: Problem): void
  signal: AbortSignal
  now(): Date
  /** Of an inventory: the regions that have resources, as long as not all are due. */
  regions?: readonly string[]
}

/** Counts the calls of a collection, and delays them so that limits of the cloud hold. */
export interface Meter {
  /** Before each call. Throws Fault `rate_limited` if the wait would be too long. */
  take(call: Call): Promise<void>
}

export interface Call {
  /** By the cloud's own name: `ce:GetCostAndUsage`. */
  api: string
  /** In USD, a decimal string; default 0. */
  price?: string
  /** Downloaded, or billed by the cloud. */
  bytes?: number
  limits?: readonly CallLimit[]
}

/** Shared by all organizations, as the cloud counts: `name` has the account or tenant. */
export interface CallLimit {
  name: string
  most: number
  windowSeconds: number
  /** How much of the limit the call takes; default 1. */
  units?: number
}

export const problemStates = [
  'credentials_refused',
  'permission_missing',
  'api_disabled',
  'region_disabled',
  'no_export',
  'bill_incomplete',
  'throttled',
  'unavailable',
] as const

/** Why something cannot be read, and how to mend it. */
export interface Problem {
  state: (typeof problemStates)[number]
  /** The part that is missing: `ec2:instances/eu-west-1`, `eu-west-1` for a whole region, or the name of an export. */
  part: string
  /** Says what to do, without secrets. */
  message: string
}

/** One complete billing period of one export, or its costs by the query API. */
export interface BillDelivery {
  /** Of the export and the period, the same at each restatement: `focus/daily-costs/2026-11`. */
  id: string
  /** `2026-11` */
  period: string
  /** Differs whenever the content does: a hash of the manifest, or the time of the last change. */
  version: string
  /** The account or subscription whose part of the bill it is, if the export does not cover the whole. */
  scope?(): Promise<string | undefined>
  /** Preliminary costs of the query API. They end when a bill of the same payer or account lands. */
  preliminary?: { accountId: string; payerId?: string }
  /** Writes the files below the folder. Throws Fault `conflict` if the cloud restates the period meanwhile. */
  fetch(folder: string): Promise<DeliveredFile[]>
}

export interface DeliveredFile {
  /** As in the cloud's storage, unique in the delivery. */
  name: string
  path: string
}

/** The resources of one API in one region; complete, unless a problem names the part. */
export interface InventoryPart {
  /** `ec2:instances/eu-west-1` */
  part: string
  resources: Resource[]
}

export interface UtilizationQuestion {
  /** `2026-11-28` */
  day: string
  /** Those that have metrics. */
  resources: readonly Pick<Resource, 'id' | 'kind' | 'region' | 'type' | 'configuration'>[]
}

export interface PriceQuestion {
  /** As resources name them. */
  regions: readonly string[]
}

/** In USD, which the clouds set their prices in; without discounts, taxes and free amounts. */
export interface PriceList {
  region: string
  prices: ListPrice[]
}

export interface AwsSetup {
  /** CloudFormation as JSON: the role that reads, and the role that carries out approved actions. */
  templates(): Promise<{ read: string; act: string }>
  /** If undefined, the template asks for it. */
  principal(): Promise<string | undefined>
  /** A link to CloudFormation with template and parameters. */
  quickCreateUrl(given: { templateUrl: string; externalId: string; principal: string }): Promise<string>
}

export type CloudCredentials =
  | { cloud: 'aws'; roleArn: string; externalId: string }
  | { cloud: 'azure'; subscriptionId: string; tenantId: string; clientId: string; clientSecret: string }
  | {
      cloud: 'gcp'
      projectId: string
      serviceAccount: {
        client_email: string
        private_key: string
        private_key_id?: string | undefined
        token_uri?: string
      }
    }

export interface Verification {
  ok: boolean
  /** Why the account is unusable, with messages that say what to do. */
  problems: {
    code: 'credentials_refused' | 'external_id_not_required' | 'wrong_account' | 'not_found'
    message: string
  }[]
  /** By the cloud's own name (`ce:GetCostAndUsage`). */
  missing: { permission: string; neededFor: string }[]
  accountName?: string | undefined
}
