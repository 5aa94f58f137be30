import type { Cloud } from './cloud.ts'

/** The parts of a resource's cost, in the unit of their price. */
export const parts = [
  /** Hours. */
  'compute',
  'license',
  'address',
  'gateway',
  'extended_support',
  /** GB-months. */
  'storage',
  'backup',
  /** Provisioned operations a second, for a month. */
  'iops',
  /** Provisioned MB a second, for a month. */
  'throughput',
  /** Provisioned reads and writes. */
  'capacity',
  /** 10,000 operations. */
  'operations',
  /** GB. */
  'transfer_zone',
  'transfer_region',
  'transfer_internet',
  'processed',
  /** Fees of a commitment: for use, and for what was not used. */
  'commitment',
  'commitment_unused',
  'other',
] as const
export type Part = (typeof parts)[number]

/** What has a price. */
export interface Sku {
  cloud: Cloud
  region: string
  part: Part
  /** `m7g.large`, `gp3`. */
  sku: string
  /** As `variantOf` tells it of a resource. */
  variant?: string
  currency: string
}

/**
 * Commitments to an amount of money an hour. `ec2_instance`: an EC2 Instance Savings Plan, for one family in one region.
 * `compute`: for all machines everywhere, such as a Compute Savings Plan or a Compute flexible commitment of Google Cloud.
 */
export type Plan = 'ec2_instance' | 'compute'

export interface Term {
  years: 1 | 3
  payment: 'no_upfront' | 'partial_upfront' | 'all_upfront'
  /** Undefined: a reserved instance, a reservation, or committed use of a series. */
  plan?: Plan
}

/** For one unit of the part, without discounts. */
export interface ListPrice extends Sku {
  price: string
  /** Of a commitment; what is paid upfront is spread over the hours of the term. Undefined: on demand. */
  term?: Term
  /** The day of the list. */
  asOf: string
}
