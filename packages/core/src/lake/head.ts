import { backoff, inTurn } from '../effects/concurrency.ts'
import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'
import { Fault, isWritten, onConflict } from '../kernel/fault.ts'
import type { ExcludedAccount } from '../effects/lake.ts'
import type { Kind } from '../kernel/partition.ts'
import { type Committed, type Info, pointersOf } from './version.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    heads: Table<Head>
  }
}

type HeadId = 'head' | Exclude<Kind, 'bill'>

const idOf = (kind: Kind): HeadId => (kind === 'bill' ? 'head' : kind)

/** Of one kind of partitions. Readers lay the moves of the last commit over the pointers. */
export interface Head {
  id: HeadId
  version: number
  at: string
  moves: Info<Kind>[]
  excluded: ExcludedAccount[]
}

export type HeadUpdate = Partial<Pick<Head, 'moves' | 'excluded'>> & { events?: readonly Event[] }

export type NextVersion = Pick<Committed, 'lakeVersion' | 'at'>

const attempts = 30
// An attempt takes about 20 ms; with these, 40 processes at once need about ten each.
const pauses = { baseMs: 50, capMs: 1500 }

/** Version 0 is the empty lake. */
export async function head(ctx: Context, kind: Kind = 'bill'): Promise<Head> {
  const id = idOf(kind)
  const empty: Head = { id, version: 0, at: new Date(0).toISOString(), moves: [], excluded: [] }
  return { ...empty, ...(await ctx.tables.heads.get(ctx.orgId, id)) }
}

/** By one conditional write; `plan` is called again if another process was faster. */
export async function advanceHead(
  ctx: Context,
  plan: (before: Head, next: NextVersion) => Promise<HeadUpdate | undefined>,
  kind: Kind = 'bill',
): Promise<void> {
  await inTurn(ctx.runtime, `lake/${ctx.orgId}/${kind}`, async () => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await advanceOnce(ctx, plan, kind)) return
      await backoff(attempt, pauses)
    }
    throw new Fault('unavailable', 'Other processes keep changing the lake. Try again in a moment.')
  })
}

async function advanceOnce(ctx: Context, plan: Parameters<typeof advanceHead>[1], kind: Kind): Promise<boolean> {
  const before = await head(ctx, kind)
  await applyMoves(ctx, before)
  const now = ctx.now().toISOString()
  // `at` never goes back: `as_of` orders versions by it.
  const at = now > before.at ? now : before.at
  const planned = await plan(before, { lakeVersion: before.version + 1, at })
  if (!planned) return true
  const { events = [], ...update } = planned
  const after: Head = { ...before, version: before.version + 1, at, moves: [], ...update }
  const where = before.version === 0 ? undefined : { version: before.version }
  if (!(await isWritten(ctx.tables.heads.replace(ctx.orgId, after, where, events)))) return false
  await applyMoves(ctx, after)
  return true
}

/** If the process that moved the head is killed, the next process does it. */
export async function applyMoves(ctx: Context, { moves }: Head): Promise<void> {
  await Promise.all(moves.map((move) => applyMove(ctx, move)))
}

async function applyMove(ctx: Context, move: Info<Kind>): Promise<void> {
  const partitions = pointersOf(ctx, move.kind)
  const where = move.version === 1 ? undefined : { version: move.version - 1 }
  await onConflict(partitions.replace(ctx.orgId, move, where), async (conflict) => {
    const pointer = await partitions.get(ctx.orgId, move.partition)
    // A purge met a partition that expired meanwhile.
    if (!pointer && move.isPurged) return
    if (!pointer || pointer.lakeVersion < move.lakeVersion) throw conflict
  })
}
