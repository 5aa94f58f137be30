import * as Day from '../values/day.ts'
import * as Money from '../values/money.ts'
import type { Account } from './model.ts'
import { resourceFields, type Resource, type Window } from './resource.ts'

/** A deviation in the sample that a detector should find: its place, days and size. */
export interface Anomaly {
  id: string
  /** `new`: a resource that was not there before. */
  kind: 'spike' | 'ramp' | 'shift' | 'drop' | 'new'
  cause: string
  provider: string
  billingAccountId: string
  subAccountId: string
  serviceName: string
  regionId: string
  resourceId: string
  /** First and last day, both inclusive. */
  start: string
  end: string
  /** Peak usage of the resource as a multiple of its usual usage. */
  factor: number
  /** Billed cost above the usual cost; negative for a drop. */
  extraCost: string
  currency: string
}

interface Draft extends Pick<Anomaly, 'id' | 'kind' | 'cause' | 'factor'> {
  billingAccountId: string
  sku: string
  /** It begins this many days before today. */
  daysAgo: number
  days: number
}

const aws = '412095583716'
const azure = '/providers/Microsoft.Billing/billingAccounts/8830147'

/** No commitment covers these resources, so that the extra cost is billed exactly. */
const drafts: readonly Draft[] = [
  {
    id: 'nat-backup-loop',
    kind: 'spike',
    cause: 'A backup job copies through the NAT gateway',
    billingAccountId: aws,
    sku: 'NATBYTES',
    daysAgo: 13,
    days: 3,
    factor: 9,
  },
  {
    id: 'queue-retry-storm',
    kind: 'spike',
    cause: 'A poisoned message is retried without a limit',
    billingAccountId: aws,
    sku: 'SQSREQ',
    daysAgo: 170,
    days: 2,
    factor: 30,
  },
  {
    id: 'bucket-never-expires',
    kind: 'ramp',
    cause: 'A lifecycle rule was removed',
    billingAccountId: aws,
    sku: 'S3STANDARD',
    daysAgo: 205,
    days: 18,
    factor: 3,
  },
  {
    id: 'search-domain-resized',
    kind: 'shift',
    cause: 'A search domain was scaled up and never down',
    billingAccountId: aws,
    sku: 'ESR6GL',
    daysAgo: 120,
    days: 120,
    factor: 4,
  },
  {
    id: 'cdn-outage',
    kind: 'drop',
    cause: 'An outage kept visitors away',
    billingAccountId: aws,
    sku: 'CFOUT',
    daysAgo: 77,
    days: 1,
    factor: 0.1,
  },
  {
    id: 'scale-set-runaway',
    kind: 'spike',
    cause: 'An autoscale rule only ever scales out',
    billingAccountId: azure,
    sku: 'DZH318Z0F8SV2',
    daysAgo: 96,
    days: 6,
    factor: 5,
  },
  {
    id: 'assistant-prompt-leak',
    kind: 'spike',
    cause: 'A key leaked and strangers ask the model',
    billingAccountId: azure,
    sku: 'DZH318Z0OPENAI',
    daysAgo: 5,
    days: 2,
    factor: 8,
  },
  {
    id: 'full-scan-query',
    kind: 'spike',
    cause: 'A dashboard scans the whole table',
    billingAccountId: '01B7C2-4E9D10-A83F56',
    sku: '16B8-3DDA-9F10',
    daysAgo: 23,
    days: 1,
    factor: 14,
  },
  {
    id: 'media-hotlinked',
    kind: 'spike',
    cause: 'A forum links to the large pictures',
    billingAccountId: '0094AE-71D3F8-5BC210',
    sku: '22EB-AAE8-FBCD',
    daysAgo: 64,
    days: 4,
    factor: 6,
  },
  {
    id: 'machine-forgotten',
    kind: 'new',
    cause: 'An experiment is over, and its large machine still runs',
    billingAccountId: aws,
    sku: 'EC2G512XLARGE',
    daysAgo: 9,
    days: 9,
    factor: 1,
  },
  {
    id: 'debug-logs',
    kind: 'spike',
    cause: 'A release logs at the level of debugging',
    billingAccountId: azure,
    sku: 'DZH318Z0LOGS',
    daysAgo: 16,
    days: 3,
    factor: 12,
  },
  ...['01B7C2-4E9D10-A83F56', '0094AE-71D3F8-5BC210'].map((billingAccountId): Draft => ({
    id: `logs-of-a-new-region-${billingAccountId.slice(0, 6)}`,
    kind: 'new',
    cause: 'A region that nobody uses writes logs',
    billingAccountId,
    sku: '143F-A1B0-E0BF',
    daysAgo: 6,
    days: 6,
    factor: 1,
  })),
]

/** The part of a day's quantity that an incident has added. */
export function addedBy({ draft }: Incident, usual: number, used: number): number {
  return draft.kind === 'new' ? used : used - usual
}

/** An anomaly of one resource, and the cost that it has added so far. */
export interface Incident {
  draft: Draft
  resource: Resource
  start: Day.Day
  /** The day after its last. */
  end: Day.Day
  extra: bigint
}

/** The incidents of an account that begin within the window. Each affects the first resource of its product. */
export function incidentsOf(account: Account, resources: readonly Resource[], window: Window): Incident[] {
  return drafts.flatMap((draft) => {
    const start = window.end - draft.daysAgo
    const resource = resources.find(({ product }) => product.sku === draft.sku)
    if (draft.billingAccountId !== account.fields.BillingAccountId || start < window.start || !resource) return []
    return [{ draft, resource, start, end: Math.min(start + draft.days, window.end), extra: 0n }]
  })
}

/** A day's quantity with the incident. */
export function disturbedQuantity({ draft, start, end }: Incident, usual: number, day: Day.Day): number {
  if (day < start || day >= end) return usual
  const reached = draft.kind === 'ramp' ? 1 + ((draft.factor - 1) * (day - start + 1)) / draft.days : draft.factor
  return Math.round((usual * reached) / 10_000) * 10_000
}

/** The incident as an `Anomaly` of the sample. */
export function describe(
  account: Account,
  { draft: { id, kind, cause, factor }, resource, start, end, extra }: Incident,
): Anomaly {
  const fields = resourceFields(account, resource)
  return {
    id,
    kind,
    cause,
    provider: fields.ProviderName ?? '',
    billingAccountId: fields.BillingAccountId ?? '',
    subAccountId: fields.SubAccountId ?? '',
    serviceName: fields.ServiceName ?? '',
    regionId: fields.RegionId ?? '',
    resourceId: fields.ResourceId ?? '',
    start: Day.format(start),
    end: Day.format(end - 1),
    factor,
    extraCost: Money.format(extra, Money.costScale),
    currency: fields.BillingCurrency ?? '',
  }
}
