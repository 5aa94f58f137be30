/** A day's costs, identified by dimensions and day: a higher version replaces it, a lower one has no effect. */
export interface DailyTotal {
  dimensions: Readonly<Record<string, string>>
  /** YYYY-MM-DD, in UTC. */
  day: string
  /** Exact decimals. */
  billed: string
  effective: string
  version: number
}

/** A database of time series outside of the product. */
export interface TimeSeries {
  /** Throws Fault `invalid` for rejected values, with a reason. */
  write(totals: readonly DailyTotal[]): Promise<void>
}
