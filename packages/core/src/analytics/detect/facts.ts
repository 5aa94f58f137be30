import type { Day } from '../../kernel/calendar.ts'
import type * as Money from '../../kernel/money.ts'

/** A tag as `tag:Team`. */
export type Dimension = 'service' | 'account' | 'region' | 'usageType' | 'resource' | `tag:${string}`

/** How many parts of a dimension are named, the largest first. */
export const mostParts = 10

/** Cost and usage of one value of a dimension, such as one account, in the time of an anomaly. */
export interface Part {
  dimension: Dimension
  /** A tag as `Team=blue`. */
  value: string
  expected: Money.Amount
  actual: Money.Amount
  usage?: { expected: Money.Amount; actual: Money.Amount; unit: string }
}

/** A change of the inventory near the anomaly. */
export interface InventoryEvent {
  day: Day
  kind: 'started' | 'stopped' | 'resized' | 'retagged' | 'commitment-expired'
  resource: string
  /** As a human would read it, such as `m5.large to m5.4xlarge`. */
  detail?: string
}

export interface Question {
  first: Day
  last: Day
  currency: string
  expected: Money.Amount
  actual: Money.Amount
  parts: readonly Part[]
  events: readonly InventoryEvent[]
}

/** The part of the excess that one value of a dimension has; `value` null is all that the parts do not name. */
export interface Share {
  dimension: Dimension
  value: string | null
  excess: Money.Amount
  /** Of the whole excess; negative if this value moved against it. */
  percent: number
  change: 'new' | 'gone' | 'grown' | 'shrunk' | 'same'
  /** `excess` from more or less usage at the expected price, and the rest, from the price. */
  effect?: { quantity: Money.Amount; price: Money.Amount; usage: NonNullable<Part['usage']> }
}

export interface RootCause {
  sentence: string
  excess: Money.Amount
  /** Largest first; those of one dimension sum to `excess` exactly. */
  shares: Share[]
  /** The named resources that moved with the excess, largest first. */
  affectedResources: string[]
  /** Of affected resources first, then by day. */
  events: InventoryEvent[]
}
