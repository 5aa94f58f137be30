import { Fault, type Normalized } from '@cloudoptima/core'
import { bench } from '../formats/testing.ts'
import { csv, type Row } from '../testing.ts'

/** Brings bills into a lake, and says in one line what became of them. */
export function kinds() {
  const { bring, parquet } = bench()
  const outcome = async (files: Record<string, string | Buffer | { path: string }>): Promise<string> => {
    try {
      return described((await bring(files)).normalized)
    } catch (error) {
      if (error instanceof Fault && error.code === 'invalid') return `refused: ${error.message}`
      throw error
    }
  }
  return { bring, parquet, outcome, one: async (content: string | Buffer) => await outcome({ 'bill.csv': content }) }
}

/** `AWS/123456789012/2024-09: 3 USD billed, 2 rows`. */
function described({ partitions }: Normalized): string {
  return partitions
    .map(({ provider, billingAccountId, period, totals, rows }) => {
      const sums = totals.map(({ billed, currency }) => `${billed} ${currency}`).join(' + ')
      return `${provider}/${billingAccountId}/${period}: ${sums}, ${rows} rows`
    })
    .join('; ')
}

/** A FOCUS bill of an invented provider: two rows of 1.5 USD in September 2024, with changes. */
export function focus(...changes: Partial<Row>[]): string {
  const rows = changes.length === 0 ? [{}, {}] : changes
  return csv(rows.map((change) => ({ ProviderName: 'Mill', BillingAccountId: 'm1', ...change })))
}

/** What {@link focus} without changes becomes. */
export const whole = 'Mill/m1/2024-09: 3 USD, 2 rows'
