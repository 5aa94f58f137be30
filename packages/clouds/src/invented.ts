import type { Endpoints } from '@cloudoptima/providers/access'
import type { AzureSubscription } from './azure/operation.ts'
import type { GcpProject } from './gcp/identity.ts'

/** The simulated clouds, as their process tells the product. */
export interface InventedClouds {
  endpoints: Endpoints
  /** Those with an export first. */
  accounts: InventedAccount[]
  /** Months of all exports together. */
  bills: number
}

/** An account to connect, with the input of its command, and what has the role for actions. */
export type InventedAccount = { accountId: string; hasExport: boolean } & (
  | { cloud: 'aws'; roleArn: string; toAct: { roleArn: string } }
  | ({ cloud: 'azure'; toAct: AzureSubscription } & AzureSubscription)
  | ({ cloud: 'gcp'; toAct: GcpProject } & GcpProject)
)
