import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { parse, plain, zero } from '../kernel/money.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    ledgers: Table<Day>
  }
}

/** Calls to a cloud and their price, by the cloud's own name of the call. */
export const Entry = z.record(
  z.string(),
  z.object({ calls: z.int(), bytes: z.number(), usd: z.string().describe('Exact, in USD.') }),
)
export type Entry = z.infer<typeof Entry>

/** Of a cloud account on a UTC day: `{cloud account}/{day}`. */
export interface Day {
  id: string
  day: string
  calls: Entry
  /** The collections that are counted already: a repetition counts nothing. */
  counted: string[]
  expiresAt: number
}

const keptSeconds = 400 * 24 * 3600
const mostCounted = 500

export function sum(...entries: readonly (Entry | undefined)[]): Entry {
  const total: Entry = {}
  for (const entry of entries)
    for (const [api, { calls, bytes, usd }] of Object.entries(entry ?? {})) {
      const known = total[api] ?? { calls: 0, bytes: 0, usd: '0' }
      const price = plain(parse(known.usd).plus(parse(usd)))
      total[api] = { calls: known.calls + calls, bytes: known.bytes + bytes, usd: price }
    }
  return total
}

export function usdOf(entry: Entry): string {
  return plain(Object.values(entry).reduce((total, { usd }) => total.plus(parse(usd)), zero))
}

/** Adds the calls of a collection to its day, once. */
export async function add(ctx: Context, cloudAccountId: string, syncId: string, entry: Entry): Promise<void> {
  if (Object.keys(entry).length === 0) return
  const day = ctx.now().toISOString().slice(0, 10)
  const expiresAt = Math.ceil(ctx.now().getTime() / 1000) + keptSeconds
  const id = `${cloudAccountId}/${day}`
  await ctx.tables.ledgers.upsert(ctx.orgId, id, (known = { id, day, calls: {}, counted: [], expiresAt }) => {
    if (known.counted.includes(syncId)) return undefined
    return { ...known, calls: sum(known.calls, entry), counted: [...known.counted, syncId].slice(-mostCounted) }
  })
}
