import * as z from 'zod'
import { clouds } from '../kernel/cloud.ts'
import * as Ledger from './ledger.ts'
import { Kind, Problem } from './source.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    syncs: Table<Info & { expiresAt: number }>
  }
}

/** One collection that found something new, or failed: `{cloud account}/{sync}`. */
export const Info = z.object({
  id: z.string(),
  provider: z.enum(clouds),
  kind: Kind,
  startedAt: z.string(),
  endedAt: z.string(),
  status: z
    .enum(['succeeded', 'partial', 'failed'])
    .describe('`partial`: the problems name the parts that could not be read.'),
  rows: z.int().describe('Of resources or hourly values; the rows of bills stand in their imports.'),
  bytes: z.number().describe('Downloaded from the cloud.'),
  calls: Ledger.Entry,
  usd: z.string().describe('The price of the calls, exact, in USD.'),
  imports: z.array(z.string()),
  lakeVersion: z.int().optional(),
  problems: z.array(Problem),
})
export type Info = z.infer<typeof Info>
