import type { Partition } from '@cloudoptima/core'
import type { Rows } from './relation.ts'

export type Value = string | number | string[]

/** One query: its dataset, SQL with the placeholder `{files}` for the rows of the dataset, and the values of its parameters. */
export interface Statement<Dataset extends Partition.Dataset = Partition.Dataset> {
  dataset: Dataset
  /** The rows that the query reads: by default those of accounts that are not excluded. */
  reads?: Rows
  /** Adds the column `x_File`, the number of the row's file, counted from 1. */
  isNumbered?: true
  sql: string
  values: Record<string, Value>
}

/** The key of a tag as a JSON pointer (RFC 6901). */
export function pointer(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** What a resource costs after credits; a tax and a purchase are not its own. */
export const ofResource = "ChargeCategory IN ('Usage', 'Credit', 'Adjustment')"

/** The values of the parameters that `placeholders` names: `{ r0: 'a', r1: 'b' }`. */
export const numbered = (values: readonly string[], letter = 'r') =>
  Object.fromEntries(values.map((value, n) => [`${letter}${n}`, value]))
/** Names of parameters for an SQL list: `$r0, $r1`. */
export const placeholders = (values: readonly string[], letter = 'r') =>
  values.map((_, n) => `$${letter}${n}`).join(', ')
