import { setImmediate } from 'node:timers'
import type { Context } from '../effects/context.ts'
import type { Runtime } from '../effects/runtime.ts'
import type { Table, Tables } from '../effects/tables.ts'
import { loopsOf } from '../effects/loops.ts'
import { over } from './runtime.ts'

/** Several processes over the same stores, each with its own memory and random delays (seeded). */
export function processes(count: number, runtime: Runtime, seed = 1): Runtime[] {
  const random = randomOf(seed)
  const late = lateness(random)
  return Array.from({ length: count }, () => ({
    ...runtime,
    tables: lateTables(runtime.tables, late),
    counters: late(runtime.counters),
  }))
}

/** Tables of a process that hangs forever before a matching access. */
export function deadBefore(tables: Tables, isLast: (noun: string) => boolean): Tables {
  return eachTable(tables, (table, noun) =>
    wrapped(table, async (_, call) => await (isLast(noun) ? new Promise<never>(() => undefined) : call())),
  )
}

const writeVerbs = new Set(['insert', 'put', 'replace', 'rewrite', 'remove', 'acknowledge', 'putFile', 'add'])

/** A store that throws after `writes.left` writes, counted across all stores that share `writes`. */
export function killedAt<Store extends object>(store: Store, writes: { left: number }): Store {
  return wrapped(store, async (verb, call) => {
    if (!writeVerbs.has(verb)) return await call()
    if (writes.left-- <= 0) throw new Error('killed')
    return await call()
  })
}

/** A context whose every access throws from the first one that `isLast` matches. */
export function dyingAt(ctx: Context, isLast: (noun: string, verb: string) => boolean): Context {
  let isDead = false
  const dying = <Store extends object>(store: Store, noun: string): Store =>
    wrapped(store, async (verb, call) => {
      isDead ||= isLast(noun, verb)
      if (isDead) throw new Error('killed')
      return await call()
    })
  return over(ctx, {
    ...ctx.runtime,
    tables: eachTable(ctx.runtime.tables, dying),
    blobs: dying(ctx.runtime.blobs, 'blobs'),
  })
}

/** A context that does something else before an access: an interleaving of two processes that repeats exactly. */
export function interleavedAt(ctx: Context, access: number, meanwhile: () => Promise<void>): Context {
  let left = access
  const interleaved = <Store extends object>(store: Store): Store =>
    wrapped(store, async (_, call) => {
      if (left-- === 0) await meanwhile()
      return await call()
    })
  const { tables, blobs } = ctx.runtime
  return over(ctx, { ...ctx.runtime, tables: eachTable(tables, interleaved), blobs: interleaved(blobs) })
}

/** Tables that report each completed write. */
export function watched(
  tables: Tables,
  onWrite: (noun: string, verb: string, orgId: string, id: string) => void,
): Tables {
  return eachTable(tables, (table, noun) =>
    wrapped(table, async (verb, call, [orgId, item]) => {
      const answer = await call()
      if (writeVerbs.has(verb))
        onWrite(noun, verb, String(orgId), typeof item === 'string' ? item : (item as { id: string }).id)
      return answer
    }),
  )
}

/** Wraps each table. */
export function eachTable(tables: Tables, wrap: <Store extends object>(table: Store, noun: string) => Store): Tables {
  return new Proxy(tables, { get: (target, noun) => wrap(target[noun as keyof Tables], String(noun)) })
}

function lateTables(tables: Tables, late: <Store extends object>(store: Store) => Store): Tables {
  return eachTable(tables, (table) => late(table))
}

function lateness(random: () => number) {
  const pause = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await new Promise((wake) => setImmediate(wake))
  }
  return <Store extends object>(store: Store): Store =>
    wrapped(store, async (_, call) => {
      await pause()
      const answer = await call()
      await pause()
      return answer
    })
}

/** A store whose every access goes through `around`. */
export function wrapped<Store extends object>(
  store: Store,
  around: (verb: string, call: () => Promise<unknown>, input: unknown[]) => Promise<unknown>,
): Store {
  const verbs = Object.entries(store) as [string, (...input: unknown[]) => Promise<unknown>][]
  const made = Object.fromEntries(
    verbs.map(([verb, act]) => [
      verb,
      async (...input: unknown[]) => await around(verb, async () => await act(...input), input),
    ]),
  )
  // The reads and writes inside the loops are accesses too.
  const isTable = (given: object): given is Table<{ id: string }> => 'rewrite' in given
  if (isTable(made)) Object.assign(made, loopsOf(made))
  return made as Store
}

/** Seeded random numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A runtime that pauses before access number `access` until `goOn` is called. */
export function stoppingAt(runtime: Runtime, access: number) {
  let left = access
  const signal = () => {
    let give: () => void = () => undefined
    return { given: new Promise<void>((resolve) => (give = resolve)), give: () => give() }
  }
  const [stopped, told] = [signal(), signal()]
  const wait = async (): Promise<void> => {
    if (left-- !== 0) return
    stopped.give()
    await told.given
  }
  const stopping = <Store extends object>(store: Store): Store =>
    wrapped(store, async (_, call) => {
      await wait()
      return await call()
    })
  const tables = eachTable(runtime.tables, stopping)
  return { runtime: { ...runtime, tables, blobs: stopping(runtime.blobs) }, stopped: stopped.given, goOn: told.give }
}
