import type * as Audit from './audit.ts'
import type { Context } from '../kernel/context.ts'

/** The newest entry. */
export async function last({ tables, orgId }: Context): Promise<Audit.Info | undefined> {
  return (await tables.audit.list(orgId, { descending: true, limit: 1 })).items[0]
}

const walkedAtOnce = 100

/** Every entry one after the other; no more than a hundred are held. */
export async function* walk({ tables, orgId }: Context, { descending = false } = {}): AsyncGenerator<Audit.Info> {
  let from: string | undefined
  do {
    const { items, next } = await tables.audit.list(orgId, {
      descending,
      limit: walkedAtOnce,
      ...(from !== undefined && { from }),
    })
    yield* items
    from = next
  } while (from !== undefined)
}

/** The entries from this number down, the newest first. */
export async function before({ tables, orgId }: Context, sequence: number, limit: number): Promise<Audit.Info[]> {
  return (await tables.audit.list(orgId, { descending: true, limit, from: idOf(sequence + 1) })).items
}

/** The id of the entry of this number. */
export function idOf(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
