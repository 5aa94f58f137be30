import type { Fields } from '../values/columns.ts'

/**
 * How the usage of a resource varies by day: `always` around the clock, `office` in working hours, `traffic` with the
 * visitors, `storage` nearly constant, `batch` with the closing of the books, `spot` irregular.
 */
export type Pattern = 'always' | 'office' | 'traffic' | 'storage' | 'batch' | 'spot'

export type Environment = 'production' | 'staging' | 'development'

/** One item of a cloud's price list, and how the company uses it. The prices are invented, but realistic. */
export interface Product {
  service: string
  category: string
  subcategory: string
  /** The seller, if it is not the cloud itself. */
  publisher?: string
  sku: string
  meter: string
  description: string
  unit: string
  /** List price of one unit in USD. */
  price: string
  /** Discount on the list price by the company's agreement. */
  discountPercent: number
  pattern: Pattern
  /** Mean units per day. With the patterns `always`, `office` and `spot`: units per hour. */
  daily: number
  /** Growth of the quantity per year. */
  growthPercent: number
  /** Number of resources relative to the other products. */
  weight: number
  /** The purpose of the resource, as a part of its name. */
  role: string
  resourceType: string
  /**
   * The cloud's pattern of a resource id, with `{account}`, `{region}`, `{zone}`, `{group}`, `{name}` and `{hex}` as
   * placeholders.
   */
  path: string
  zonal?: boolean
  environments?: readonly Environment[]
  /** Key of the commitment that covers it, of the same billing account. */
  commitment?: string
  details?: Record<string, string | number>
  extra?: Fields
  /** Its first resource begins so many days before today, and not with the window. */
  bornDaysAgo?: number
  /** Its resources do hardly any work. */
  isIdle?: boolean
  /** Its resources are in this region, and in no other. */
  region?: Omit<Region, 'weight'>
  /** The size that a machine has at times; it has the same pattern. */
  larger?: Omit<Product, 'larger'>
}

/** A product before its cloud's usual discount and growth are filled in. */
export type ProductDraft = Omit<Product, 'discountPercent' | 'growthPercent' | 'larger'> &
  Partial<Pick<Product, 'discountPercent' | 'growthPercent'>> & { larger?: Partial<Omit<Product, 'larger'>> }

/** The product of a draft, and its larger size, with a cloud's usual values. */
export function productOf(
  { larger, ...draft }: ProductDraft,
  usual: Pick<Product, 'discountPercent' | 'growthPercent'>,
): Product {
  const product = { ...usual, ...draft }
  return larger ? { ...product, larger: { ...product, ...larger, path: draft.path } } : product
}

/** An agreement to use or spend a fixed amount, bought in advance. */
export interface Commitment {
  key: string
  id: string
  name: string
  category: 'Spend' | 'Usage'
  type: string
  /** Discount on the list price of covered usage. */
  discountPercent: number
  /**
   * Covered part of the eligible usage at the start of the window. Above 1, a part of the commitment stays unused from
   * the start.
   */
  coverageRatio: number
  /** Paid per day, per month, or for a year in advance in the window's month of that number. */
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

/** An invoice item that comes once a month. */
export interface MonthlyCharge {
  kind: 'tax' | 'credit' | 'support' | 'rounding'
  description: string
  service: string
  category: string
  subcategory: string
  /** Hundredths of a percent of the month's billed cost. */
  percentHundredths?: number
  /** In the billing currency. */
  fixed?: string
  sku?: string
  /** First and last month of the window with this item, from 0. Every month, if missing. */
  months?: readonly [first: number, last: number]
}

/** A billing account of one cloud. */
export interface Account {
  cloud: 'aws' | 'azure' | 'gcp'
  /** The fields that all rows of the account share. */
  fields: Fields & { ProviderName: string; BillingAccountId: string; BillingCurrency: string; PricingCurrency: string }
  /** Share of all rows. */
  share: number
  /** Exchange rate from USD to the billing currency, of the window's month of that number. */
  rate(month: number): string
  invoiceId(period: string): string
  subAccounts: readonly SubAccount[]
  subAccountType: string
  regions: readonly Region[]
  zone(region: string, letter: number): string
  products: readonly Product[]
  commitments: readonly Commitment[]
  monthly: readonly MonthlyCharge[]
  /** Columns that the cloud adds to FOCUS. */
  customColumns: readonly `x_${string}`[]
  custom(product: Product, subAccount: SubAccount, group: string): Fields
}
