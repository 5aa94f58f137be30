/** A series of equally spaced values; `null` is a gap. */
export interface Series {
  /** Time of the first value, ISO 8601. */
  start: string
  stepSeconds: number
  values: readonly (number | null)[]
}
