import type * as CloudAccount from '../accounts/cloud-account.ts'
import type { Access } from '../effects/clouds.ts'
import type * as Source from './source.ts'

/** What a collection found. */
export interface Found {
  isNew: boolean
  /** There is nothing to read yet: it is no success. */
  isTooEarly?: true
  rows: number
  imports: string[]
  lakeVersion?: number
  deliveries?: Record<string, Source.Delivery>
  /** Of an inventory. */
  regions?: string[]
  /** Of utilization. */
  unreadDays?: Record<string, number>
  /** Of preliminary costs. */
  payerId?: string | undefined
  /** The source has nothing left to do. */
  isLast?: boolean
}

/** What the collection of each kind gets. */
export interface Given {
  account: CloudAccount.Info
  source: Source.Info
  syncId: string
  access: Access
  /** Of the collection so far; a reported problem ends nothing. */
  problems: Source.Problem[]
}
