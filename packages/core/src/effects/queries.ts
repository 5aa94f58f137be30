import * as z from 'zod'
import type { Cloud } from '../kernel/cloud.ts'
import type { Resource, ResourceChange, ResourceKind, UtilizationMetric } from '../kernel/resource.ts'

/** Decimal strings with at most 18 decimals; null without values. */
export const Totals = z.object({
  currency: z.string(),
  billed: z.string(),
  effective: z.string(),
  list: z.string().nullable(),
  contracted: z.string().nullable(),
})
export type Totals = z.infer<typeof Totals>

/** A filter of resources. */
export interface ResourceFilter {
  kinds: readonly ResourceKind[]
  /** In lower case. */
  ids?: readonly string[]
  provider?: Cloud | undefined
  accountId?: string | undefined
  region?: string | undefined
  status?: string | undefined
  /** All must hold; the values of one are alternatives. */
  tags?: readonly { key: string; values: readonly string[] }[]
}

export interface ResourceRow {
  id: string
  aliases: string
  provider: Cloud
  accountId: string
  kind: ResourceKind
  name: string | null
  type: string | null
  status: string
  region: string
  zone: string | null
  createdAt: string | null
  sizeGb: number | null
  iops: number | null
  attachedTo: string | null
  /** JSON; null: the cloud has never told them. */
  tags: string | null
  configuration: string
  takenAt: string
}

export const costMetrics = ['billed', 'effective', 'list', 'contracted'] as const
export type Metric = (typeof costMetrics)[number]

/** Metrics that a bill's cost column can hold. */
export const controlMetrics = ['billed', 'effective'] as const satisfies readonly Metric[]
export type ControlMetric = (typeof controlMetrics)[number]

/** By the day of the charge, or by the billing period. */
export const costBases = ['charge', 'billing'] as const

export const dimensions = [
  'provider',
  'account',
  'billing_account',
  'subaccount',
  'service',
  'region',
  'category',
  'tag',
] as const
export type Dimension = (typeof dimensions)[number]

/** Adjustments and corrections are credits; purchases and unused parts of commitments are `commitments`. */
export type ChargeKind = 'credits' | 'tax' | 'commitments' | 'usage'

/** Usage, or the parts of commitments that nothing used. Tax, credits, purchases and adjustments are neither. */
export const chargedAs = ['usage', 'unused'] as const
export type ChargedAs = (typeof chargedAs)[number]

/** Days are inclusive. */
export interface CostParameters {
  metric: Metric
  basis: (typeof costBases)[number]
  start: string
  end: string
  filters: Filter[]
}

export interface Filter {
  dimension: Dimension
  tagKey?: string | undefined
  values: string[]
  /** Of a tag: the rules of its key, in order. */
  virtualTags?: readonly VirtualTag[] | undefined
}

/** A rule that gives a value of a tag to costs; its conditions are on the tags of the bill. */
export interface VirtualTag {
  key: string
  value: string
  /** All must hold. */
  when: readonly Filter[]
  /** Also costs that have the tag on the bill. */
  overwrite: boolean
}

/** An answer that converts more amounts is refused. */
export const mostConverted = 500_000

/** Amounts in other currencies than `convertTo` keep their day. */
interface Converted {
  convertTo?: string | undefined
}
export interface Priced {
  currency: string
  /** The day on which an amount to convert counts. */
  rateDay?: string | null
}

export interface WantedTag {
  key: string
  /** Undefined: all. */
  allowedValues?: readonly string[] | undefined
  /** The rules of the key, in order. */
  virtualTags?: readonly VirtualTag[]
}

/** Of a grouping by tag: its key, and the rules of the key, in order. */
interface TagGrouping {
  tagKey?: string | undefined
  virtualTags?: readonly VirtualTag[]
}

export interface Queries {
  costByDay: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { groupBy?: Dimension } & TagGrouping
    row: { day: string; currency: string; dimension: string | null; cost: string }
  }
  /**
   * Of each charge, which has the same text in all months; `isOnce` is a purchase that is made once. `payer` is the billing
   * account.
   */
  chargesByDay: {
    dataset: 'costs'
    parameters: CostParameters & { groupBy?: Dimension } & TagGrouping
    row: Queries['costByDay']['row'] & { payer: string | null; charge: string; isOnce: boolean }
  }
  /**
   * Of the `most` groups of each currency with the largest cost in the days from `recent` on, in all currencies; the
   * others are one rest. `payer` is the billing account.
   */
  costByGroup: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { groupBy: Dimension; recent: string; most: number } & TagGrouping
    row: Queries['costByDay']['row'] & { payer: string | null; isRest: boolean }
  }
  /** One scan: the span by `day` and by `dimension`, and the sum of the `previous` span. */
  costOverview: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { previousStart: string; groupBy: Dimension } & TagGrouping & Converted
    row: Priced & { part: 'day' | 'dimension' | 'previous'; key: string | null; cost: string }
  }
  /**
   * The sum, and of each wanted tag the parts of it by `state`, which sum to it; of other tags (`other`) what carries
   * them. Of wanted values that are not allowed, and of other tags, the `most` that cost most, in each currency.
   */
  tagCoverage: {
    dataset: 'costs'
    parameters: CostParameters & { tags: readonly WantedTag[]; most: number } & Converted
    row: Priced & {
      part: 'total' | 'tag' | 'violation' | 'other'
      key: string | null
      /** `virtual`: a rule gives it alone. */
      state: 'allowed' | 'violating' | 'virtual' | 'missing' | null
      value: string | null
      cost: string
    }
  }
  costByService: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { previousStart: string; previousEnd: string } & Converted
    row: Priced & { provider: string; service: string | null; current: string; previous: string }
  }
  /** Of each service and currency. */
  topResources: {
    dataset: 'costs'
    parameters: CostParameters & { perService: number } & Converted
    row: Priced & { provider: string; service: string | null; resourceId: string; cost: string }
  }
  /** By kind of charge, from FOCUS's ChargeCategory and CommitmentDiscountStatus. */
  reconciliation: {
    dataset: 'cost_rollup'
    parameters: { period: string }
    row: Totals & {
      provider: string
      billingAccountId: string
      kind: 'tax' | 'credit' | 'commitment_purchase' | 'commitment_unused' | 'commitment_used' | 'other'
      rows: number
    }
  }
  /**
   * By resource, SKU and unit, for the `leaves` of each currency that changed most; the rest by service. Without a
   * conversion, other currencies than `currency` by total. The exchange rates of a leaf are `rated` by `priced`, both 0
   * if unknown: the cost of charges in the billing currency by the same in the currency of their prices. `priced` and
   * quantities are of the whole leaf, other amounts of the day.
   */
  costChanges: {
    dataset: 'costs'
    parameters: CostParameters &
      Converted & { previousStart: string; previousEnd: string; currency: string; leaves: number }
    row: Priced & {
      provider: string | null
      account: string | null
      service: string | null
      resource: string | null
      kind: ChargeKind
      /** Null for a rest. */
      leaf: string | null
      before: string
      after: string
      ratedBefore: string
      ratedAfter: string
      pricedBefore: string
      pricedAfter: string
      quantityBefore: string | null
      quantityAfter: string | null
    }
  }
  /** Compares versions of bills, charge by charge and day by day. */
  costRestatements: {
    dataset: 'costs'
    parameters: Pick<CostParameters, 'metric' | 'filters'> & {
      /** The version of each file. */
      versions: string[]
      pairs: { earlier: string; later: string }[]
    }
    row: {
      pair: number
      currency: string
      service: string | null
      /** Of late usage. */
      day: string | null
      cause: 'lateUsage' | 'removed' | 'price' | Exclude<ChargeKind, 'usage'>
      rowsBefore: number
      rowsAfter: number
      before: string
      after: string
    }
  }
  /** Resources with metrics. */
  measurable: {
    dataset: 'resources'
    parameters: Record<string, never>
    row: Pick<Resource, 'id' | 'kind' | 'region'> & { type: string | null; configuration: string }
  }
  /** By id; JSON where a field has no type of its own. */
  resources: {
    dataset: 'resources'
    parameters: ResourceFilter & { limit: number; offset: number }
    row: ResourceRow
  }
  /**
   * The newest first. Ids in lower case; times from `start` on and before `end`, in ISO; states as JSON. `named`: the
   * resources whose ids end so (in lower case, after the last `/` or `:`), and all commitments.
   */
  resourceChanges: {
    dataset: 'resource_changes'
    parameters: { ids?: string[]; named?: string[]; start: string; end: string; limit: number }
    row: {
      id: string
      provider: Cloud
      accountId: string
      kind: ResourceKind
      change: ResourceChange
      at: string
      earlier: string | null
      later: string | null
    }
  }
  resourceCount: { dataset: 'resources'; parameters: ResourceFilter; row: { count: number } }
  /** How many snapshots each volume or database has. */
  snapshotCounts: { dataset: 'resources'; parameters: { ids: string[] }; row: { id: string; count: number } }
  /** By metric over the days, of resources in lower case. */
  utilization: {
    dataset: 'utilization'
    parameters: { ids: string[]; byHour: boolean }
    row: { id: string; hour: string | null; metric: UtilizationMetric; average: number; maximum: number; hours: number }
  }
  /**
   * Of the hours from `start` on and before `end`, all of them and those outside of working time; see `summarize` of the
   * rules for the levels. One of `buckets` parts of the resources. `expected` are the hours in which a resource ran, as
   * JSON lines of `{ id, all, off }`, of those that did not always run.
   */
  utilizationLevels: {
    dataset: 'utilization'
    parameters: {
      start: string
      end: string
      bucket: number
      buckets: number
      expected: string
      hours: number
      /** JSON list of the hours outside of working time, as the dataset writes hours. */
      offHours: string
      knownShare: number
    }
    row: {
      id: string
      metric: UtilizationMetric
      /** 1: outside of working time. */
      off: number
      average: number
      p99: number | null
      peakP99: number | null
      maximum: number
      hours: number
      hoursExpected: number
    }
  }
  /** Usage by resource, meter and commitment: those with the highest costs. Ids as in bills, in lower case. */
  resourceCharges: {
    dataset: 'costs'
    parameters: { start: string; end: string; most: number }
    row: {
      id: string | null
      provider: string
      account: string
      region: string | null
      meter: string | null
      service: string | null
      currency: string
      effective: string
      list: string | null
      quantity: string | null
      commitmentId: string | null
      commitmentStatus: 'Used' | 'Unused' | null
    }
  }
  /**
   * Effective costs of commitments by their ids in lower case: of usage that they cover, of their unused part, and of
   * purchases, such as the RIFee of AWS, whose effective cost is the unused part. The dearest first.
   */
  commitmentCosts: {
    dataset: 'costs'
    parameters: { start: string; end: string }
    row: { id: string; provider: string; currency: string; used: string; unused: string; purchased: string }
  }
  /**
   * Of Google Cloud's resource-based commitments, by payer, region and meter: the fees (`fee` 1) with what is committed,
   * and the usage with what they cover of it, in pricing units such as core hours.
   */
  committedUse: {
    dataset: 'costs'
    parameters: { start: string; end: string }
    row: {
      payer: string
      region: string
      meter: string
      unit: string
      currency: string
      fee: number
      /** Projects, as JSON. */
      accounts: string
      /** Effective. */
      cost: string
      /** Null if a row does not tell it. */
      quantity: string | null
    }
  }
  /**
   * Usage of machines at on-demand prices by payer, region, meter and description: those with the highest costs. Hours (as ISO times)
   * in order, with their effective costs as decimals, as JSON.
   */
  onDemandUsage: {
    dataset: 'costs'
    parameters: { start: string; end: string; most: number }
    row: {
      provider: string
      payer: string
      region: string
      meter: string
      service: string | null
      description: string | null
      currency: string
      /** JSON. */
      accounts: string
      /** Of the longest charge. */
      seconds: number
      /** Before credits, of all hours. */
      contracted: string
      /** At list prices; a charge without one counts as contracted. */
      listed: string
      hours: string
      costs: string
    }
  }
  /** Of resources in lower case. */
  resourceCosts: {
    dataset: 'costs'
    parameters: { ids: string[]; start: string; end: string; byDay: boolean }
    row: { id: string; day: string | null; currency: string; cost: string }
  }
  /**
   * Effective cost by day of the series that cost most in the days from `recent` on: each provider, account,
   * service, region and service of an account; with a tag key, each value of the tag.
   */
  costSeries: {
    dataset: 'costs' | 'cost_rollup'
    parameters: { start: string; end: string; recent: string; most: number; tagKey?: string | undefined }
    row: Record<'provider' | 'account' | 'service' | 'region' | 'tag', string | null> & {
      charged: ChargedAs
      currency: string
      /** JSON: the days with charges, in order, and their costs as numbers. */
      days: string
      costs: string
    }
  }
  /**
   * Of the days from `start` to `end`, and of those from `before` to the day before `start`. The values that
   * differ most.
   */
  costShares: {
    dataset: 'costs'
    parameters: {
      start: string
      end: string
      before: string
      charged: ChargedAs
      currency: string
      filters: Filter[]
      /** Charges for which all filters of one of these hold. */
      leftOut?: Filter[][]
      tagKeys: readonly string[]
      /** Values of a dimension. */
      most: number
    }
    row: {
      dimension: 'total' | 'account' | 'service' | 'region' | 'usageType' | 'resource' | `tag:${string}`
      /** Of a tag: `Team=blue`. */
      value: string | null
      cost: string
      previous: string
      /** In `unit`; null unless all charges have one unit and a known quantity. */
      used: string | null
      usedBefore: string | null
      unit: string | null
    }
  }
  dailyTotals: {
    dataset: 'cost_rollup'
    parameters: Record<string, never>
    row: Pick<Totals, 'currency' | 'billed' | 'effective'> & {
      provider: string
      account: string
      service: string | null
      day: string
    }
  }
  /** The only query of excluded rows; account ids in lower case, without Azure's path. */
  excludedCosts: {
    dataset: 'cost_rollup'
    parameters: Record<string, never>
    row: Pick<Totals, 'currency' | 'billed' | 'effective'> & {
      provider: string
      billingAccountId: string
      accountId: string
      rows: number
    }
  }
}
