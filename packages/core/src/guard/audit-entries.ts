import type * as Audit from './audit.ts'
import type { Context } from '../kernel/context.ts'

/** The newest entry. */
export async function last({ runtime, orgId }: Context): Promise<Audit.Info | undefined> {
  return (await runtime.tables.audit.list(orgId, { descending: true, limit: 1 })).items[0]
}

const walkedAtOnce = 100

/** Every entry one after the other; no more than a hundred are held. */
export async function* walk({ runtime, orgId }: Context, { descending = false } = {}): AsyncGenerator<Audit.Info> {
  let from: string | undefined
  do {
    const { items, next } = await runtime.tables.audit.list(orgId, {
      descending,
      limit: walkedAtOnce,
      ...(from !== undefined && { from }),
    })
    yield* items
    from = next
  } while (from !== undefined)
}

/** The entries from this number down, the newest first. */
export async function before({ runtime, orgId }: Context, sequence: number, limit: number): Promise<Audit.Info[]> {
  return (await runtime.tables.audit.list(orgId, { descending: true, limit, from: idOf(sequence + 1) })).items
}

/** The id of the entry of this number. */
export function idOf(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
