import * as z from 'zod'
import { type Amount, plain, sum, withExact, zero } from '../../kernel/money.ts'

/** Exact decimals by cause, with the description of each. */
export function causesOf<Cause extends string>(described: Record<Cause, string>) {
  const fields = Object.entries<string>(described).map(([cause, text]) => [cause, z.string().describe(text)])
  const schema = z.object(Object.fromEntries(fields) as Record<Cause, z.ZodString>)
  return schema.describe('Exact decimals, which sum to the change.')
}

/** A change by its causes, of which some may be absent. */
export function changeBy<Cause extends string>(described: Record<Cause, string>, amounts: ReadonlyMap<string, Amount>) {
  const texts = Object.keys(described).map((cause) => [cause, plain(amounts.get(cause) ?? zero)])
  return { ...withExact('change', sum(amounts.values())), causes: Object.fromEntries(texts) as Record<Cause, string> }
}

export function nameOf(value: string | null | undefined): { name: string; value: string | null } {
  return { name: value === undefined ? '(other)' : (value ?? '(none)'), value: value ?? null }
}
