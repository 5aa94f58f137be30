import { LRUCache } from 'lru-cache'
import type { Context } from '../effects/context.ts'
import { perRuntime } from '../effects/concurrency.ts'
import type { Anchor } from '../effects/runtime.ts'
import * as Entries from './audit-entries.ts'
import { follow, idOf, unbroken, type Verification } from './audit-entry.ts'

// Not in a table: its writer could stop the anchors.
const anchoredOf = perRuntime(() => new LRUCache<string, string>({ max: 100_000 }))

/** Outside of the tables. */
export async function anchor(ctx: Context): Promise<void> {
  const last = await Entries.last(ctx)
  if (last) await put(ctx, last)
}

async function put({ runtime, orgId }: Context, { sequence, hash }: Omit<Anchor, 'at'>) {
  const anchored = anchoredOf(runtime)
  if (anchored.get(orgId) === hash) return
  await runtime.anchors.put(orgId, { sequence, hash })
  anchored.set(orgId, hash)
}

/** With itself and with its anchors, in constant memory; anchors its end. */
export async function verify(ctx: Context): Promise<Verification> {
  const anchors = (await ctx.runtime.anchors.list(ctx.orgId))[Symbol.asyncIterator]()
  const next = async (): Promise<Anchor | undefined> => {
    const { done, value } = await anchors.next()
    return done ? undefined : value
  }
  let found = unbroken
  let anchored = await next()
  for await (const entry of Entries.walk(ctx)) {
    found = follow(found, entry)
    for (; anchored && anchored.sequence <= found.entries; anchored = await next())
      found = compared(found, anchored, entry.hash)
  }
  for (; anchored; anchored = await next()) {
    // A request may have appended it meanwhile.
    const entry = await ctx.tables.audit.get(ctx.orgId, idOf(anchored.sequence))
    found = compared(found, anchored, entry?.hash)
  }
  if (found.intact && found.entries > 0) await put(ctx, { sequence: found.entries, hash: found.headHash })
  return found
}

function compared(found: Verification, { sequence, hash, at }: Anchor, actual: string | undefined): Verification {
  const anchored = { ...found, anchored: sequence }
  if (actual === hash || found.firstBroken !== null) return anchored
  const problem =
    actual === undefined
      ? `The log ends with entry ${found.entries}, but had entry ${sequence} on ${at}: its last entries were removed.`
      : `Entry ${sequence} is not the one that the log had on ${at}: the log was written anew.`
  const firstBroken = actual === undefined ? found.entries + 1 : sequence
  return { ...anchored, intact: false, firstBroken, problem }
}
