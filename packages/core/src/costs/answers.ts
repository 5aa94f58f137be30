import { hash } from 'node:crypto'
import type * as z from 'zod'
import { admission, InvalidInput, parse, type Command } from '../guard/command.ts'
import { type Context, expiryIn } from '../effects/context.ts'
import type { Permission } from '../kernel/permission.ts'
import { perRuntime } from '../effects/concurrency.ts'
import { inTurns, leastRecentlyUsed } from './memory.ts'
import * as Snapshot from '../lake/snapshot.ts'

/** The same tag (ETag) always means the same answer. */
export interface Answer<Value> {
  tag: string
  value: Value
}

export interface Asked<Value> {
  tag: string
  isRemembered: boolean
  answer(): Promise<Answer<Value>>
}

/** Cached by the tags of its answers. */
export interface Question<Schema extends z.ZodType = z.ZodType, Value = unknown> extends Command<Schema, Value> {
  ask(ctx: Context, input: z.input<Schema>): Promise<Asked<Value>>
}

declare module '../effects/tables.ts' {
  interface Tables {
    answers: Table<{ id: string; value: string; expiresAt: number }>
  }
}

// A tag lives for a day at most.
const keptSeconds = 2 * 24 * 3600

/** Answers that take long are kept, so that other processes find them. */
async function recalled<Value>(ctx: Context, tag: string, run: () => Promise<Value>): Promise<Value> {
  const kept = await ctx.tables.answers.get(ctx.orgId, tag)
  if (kept) return JSON.parse(kept.value) as Value
  const value = await run()
  const expiresAt = expiryIn(ctx, keptSeconds)
  await ctx.tables.answers.put(ctx.orgId, { id: tag, value: JSON.stringify(value), expiresAt })
  return value
}

/** `run` must depend on the input, the view and the state only. */
export function question<Schema extends z.ZodType<{ asOf?: string | undefined }>, Value, State = undefined>(
  name: string,
  schema: Schema,
  permission: Permission,
  run: (ctx: Context, input: z.output<Schema>, view: Snapshot.View, state: State | undefined) => Promise<Value>,
  stateOf: (ctx: Context, input: z.output<Schema>) => Promise<State | undefined> = async () => undefined,
  { isKept = false }: { isKept?: boolean } = {},
): Question<Schema, Value> {
  const memoryOf = perRuntime(() => leastRecentlyUsed<Answer<Value>>(200))
  const admit = admission(name, permission)
  const ask = async (ctx: Context, input: z.input<Schema>): Promise<Asked<Value>> => {
    await admit(ctx)
    const parsed = parse(schema, input)
    refuseFuture(ctx, parsed.asOf)
    const [{ version }, state] = await Promise.all([readHead(ctx), stateOf(ctx, parsed)])
    // An answer lives for a day at most: default days follow the calendar, and versions expire.
    const day = ctx.now().toISOString().slice(0, 10)
    const tagOf = (version: number) =>
      tagged([name, ctx.orgId, version, day, ctx.currency ?? null, ctx.virtualTags ?? [], state ?? null, parsed])
    const fresh = async (): Promise<Answer<Value>> => {
      const view = await viewOf(ctx, version, parsed.asOf)
      // The lake may have changed since its version was read.
      const tag = parsed.asOf === undefined ? tagOf(view.lakeVersion) : tagOf(version)
      const make = async () => await run(ctx, parsed, view, state)
      return { tag, value: await (isKept ? recalled(ctx, tag, make) : make()) }
    }
    const tag = tagOf(version)
    const memory = memoryOf(ctx.runtime)
    return { tag, isRemembered: memory.has(tag), answer: () => memory.recall(tag, fresh) }
  }
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Value> =>
    (await (await ask(ctx, input)).answer()).value
  return Object.assign(call, { id: name, schema, permission, admit, ask })
}

// Tolerance between the clocks of caller and server.
const skewMs = 60_000

function refuseFuture(ctx: Context, asOf: string | undefined) {
  if (asOf === undefined || Date.parse(asOf) <= ctx.now().getTime() + skewMs) return
  throw new InvalidInput([{ path: 'asOf', message: 'must not lie in the future' }])
}

const headsOf = perRuntime(inTurns<Snapshot.Head>)

/** Concurrent questions share one read. */
function readHead(ctx: Context): Promise<Snapshot.Head> {
  return headsOf(ctx.runtime)(ctx.orgId, () => Snapshot.head(ctx))
}

const viewsOf = perRuntime(() => leastRecentlyUsed<Snapshot.View>(10))

/** A view of the past is read each time. */
function viewOf(ctx: Context, version: number, asOf: string | undefined): Promise<Snapshot.View> {
  if (asOf !== undefined) return Snapshot.view(ctx, { asOf: new Date(asOf) })
  return viewsOf(ctx.runtime).recall(`${ctx.orgId}/${version}`, () => Snapshot.view(ctx))
}

function tagged(parts: unknown[]) {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 32)
}
