import * as Day from './day.ts'
import { fieldsOf, type Line, type Window } from './line.ts'
import type { Account } from './model.ts'
import * as Money from './money.ts'

/** Something that went wrong in the sample: where, when, by how much. What a detector should find. */
export interface Anomaly {
  id: string
  kind: 'spike' | 'ramp' | 'shift' | 'drop'
  cause: string
  provider: string
  billingAccountId: string
  subAccountId: string
  serviceName: string
  regionId: string
  resourceId: string
  /** Inclusive days. */
  start: string
  end: string
  /** The resource's use at the peak, as a multiple of the usual. */
  factor: number
  /** What it cost beyond the usual, as billed; negative for a drop. */
  extraCost: string
  currency: string
}

interface Draft extends Pick<Anomaly, 'id' | 'kind' | 'cause' | 'factor'> {
  billingAccountId: string
  sku: string
  /** Days before today on which it begins. */
  daysAgo: number
  days: number
}

const aws = '412095583716'
const azure = '/providers/Microsoft.Billing/billingAccounts/8830147'

/** None of these resources is under a commitment, so that what it cost extra is billed to the digit. */
const drafts: readonly Draft[] = [
  {
    id: 'nat-backup-loop',
    kind: 'spike',
    cause: 'A backup job copies through the NAT gateway',
    billingAccountId: aws,
    sku: 'NATBYTES',
    daysAgo: 41,
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
]

/** An anomaly at work: which line, and the cost it has added so far. */
export interface Incident {
  draft: Draft
  line: Line
  start: Day.Day
  /** The day after the last. */
  end: Day.Day
  extra: bigint
}

/** The incidents of an account that begin within the window, each at the first line of its product. */
export function incidentsOf(account: Account, lines: readonly Line[], window: Window): Incident[] {
  return drafts.flatMap((draft) => {
    const start = window.end - draft.daysAgo
    const line = lines.find(({ product }) => product.sku === draft.sku)
    if (draft.billingAccountId !== account.fields.BillingAccountId || start < window.start || !line) return []
    return [{ draft, line, start, end: Math.min(start + draft.days, window.end), extra: 0n }]
  })
}

/** What the incident makes of a day's usual quantity. */
export function disturbed({ draft, start, end }: Incident, usual: number, day: Day.Day): number {
  if (day < start || day >= end) return usual
  const reached = draft.kind === 'ramp' ? 1 + ((draft.factor - 1) * (day - start + 1)) / draft.days : draft.factor
  return Math.round((usual * reached) / 10_000) * 10_000
}

/** The incident as the sample's readers see it. */
export function describe(
  account: Account,
  { draft: { id, kind, cause, factor }, line, start, end, extra }: Incident,
): Anomaly {
  const fields = fieldsOf(account, line)
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
