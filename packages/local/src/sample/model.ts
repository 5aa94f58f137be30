import type { Fields } from './columns.ts'

/** How the use of a resource runs over the days: around the clock, in working hours, with visitors, growing, in nightly jobs, when spare machines are cheap. */
export type Pattern = 'always' | 'office' | 'traffic' | 'storage' | 'batch' | 'spot'

export type Environment = 'production' | 'staging' | 'development'

/** One line of a cloud's price list and how the company uses it. Prices are invented, near enough to life. */
export interface Product {
  service: string
  category: string
  subcategory: string
  /** Who made what is sold, where it is not the cloud itself. */
  publisher?: string
  sku: string
  meter: string
  description: string
  unit: string
  /** List price of one unit in USD. */
  price: string
  /** What the company's agreement takes off the list price. */
  discountPercent: number
  pattern: Pattern
  /** Mean quantity a resource uses a day; around-the-clock patterns count hours of this many units. */
  daily: number
  /** Growth of the quantity in a year. */
  growthPercent: number
  /** How many resources of this product there are, relative to the others. */
  weight: number
  /** The part of a resource's name that says what it is for. */
  role: string
  resourceType: string
  /** The cloud's way to write the resource's id; `{account}`, `{region}`, `{zone}`, `{group}`, `{name}`, `{hex}` stand for its parts. */
  path: string
  zonal?: boolean
  environments?: readonly Environment[]
  /** Of a commitment of the same billing account. */
  commitment?: string
  details?: Record<string, string | number>
  extra?: Fields
}

/** An agreement to use or spend so much, bought in advance. */
export interface Commitment {
  key: string
  id: string
  name: string
  category: 'Spend' | 'Usage'
  type: string
  /** What it takes off the list price of what it covers. */
  discountPercent: number
  /** How much of the eligible use at the start of the window it covers; above 1 some of it is wasted at once. */
  coverageRatio: number
  /** When it is paid: by day, by month, or for a year in advance on a day of the window's so manyeth month. */
  payment: 'daily' | 'monthly' | { upfrontInMonth: number }
  sku: string
  meter: string
}

export interface SubAccount {
  id: string
  name: string
  environment: Environment
  /** Share of the resources. */
  weight: number
}

export interface Region {
  id: string
  name: string
  weight: number
}

/** An amount that the invoice adds once a month. */
export interface MonthlyCharge {
  kind: 'tax' | 'credit' | 'support' | 'rounding'
  description: string
  service: string
  category: string
  subcategory: string
  /** Of what was billed in the month. */
  percentHundredths?: number
  /** In the billing currency. */
  fixed?: string
  sku?: string
  /** The window's months that have it, counted from 0; all of them where missing. */
  months?: readonly [first: number, last: number]
}

/** A billing account as one cloud exports it. */
export interface Account {
  cloud: 'aws' | 'azure' | 'gcp'
  /** Fields that every row of the account has. */
  fields: Fields & { ProviderName: string; BillingAccountId: string; BillingCurrency: string; PricingCurrency: string }
  /** Share of all rows. */
  share: number
  /** Price in the billing currency of what lists at 1 USD: of the month, counted from the window's start. */
  rate(month: number): string
  invoiceId(period: string): string
  subAccounts: readonly SubAccount[]
  subAccountType: string
  regions: readonly Region[]
  zone(region: string, letter: number): string
  products: readonly Product[]
  commitments: readonly Commitment[]
  monthly: readonly MonthlyCharge[]
  /** Columns of its own that the cloud adds to FOCUS. */
  customColumns: readonly `x_${string}`[]
  custom(product: Product, subAccount: SubAccount, group: string): Fields
}
