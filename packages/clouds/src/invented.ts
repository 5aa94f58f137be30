import type { Endpoints } from '@cloudoptima/providers/access'

/** The simulated clouds, as their process tells the product. */
export interface InventedClouds {
  endpoints: Endpoints
  /** Those that pay first, whose exports have the costs of all. */
  accounts: InventedAccount[]
  /** Months of all exports together. */
  bills: number
}

/** An account to connect, with the input of its command. */
export type InventedAccount = { accountId: string; isPayer: boolean } & { cloud: 'aws'; roleArn: string }
