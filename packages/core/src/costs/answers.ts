import { createHash } from 'node:crypto'
import type * as z from 'zod'
import { admission, InvalidInput, parse, type Command } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import type { Permission } from '../kernel/permission.ts'
import type { Runtime } from '../effects/runtime.ts'
import { inTurns, leastRecentlyUsed } from './memory.ts'
import * as Snapshot from '../lake/snapshot.ts'

/** An answer and the tag that names it: the same tag is the same answer, for ever. */
export interface Answer<Value> {
  tag: string
  value: Value
}

/** A question to the lake, parsed and tagged by one read of the lake's version, but not yet answered. */
export interface Asked<Value> {
  tag: string
  /** The answer is remembered: giving it costs next to nothing. */
  isRemembered: boolean
  answer(): Promise<Answer<Value>>
}

/** A command that only reads the lake: its answers are remembered until the lake changes, and can be recognised by their tag. */
export interface Question<Schema extends z.ZodType = z.ZodType, Value = unknown> extends Command<Schema, Value> {
  ask(ctx: Context, input: z.input<Schema>): Promise<Asked<Value>>
}

/** Makes a question. `run` must depend on nothing but the input and the view. */
export function question<Schema extends z.ZodType<{ asOf?: string | undefined }>, Value>(
  name: string,
  schema: Schema,
  permission: Permission,
  run: (ctx: Context, input: z.output<Schema>, view: Snapshot.View) => Promise<Value>,
): Question<Schema, Value> {
  const memoryOf = perRuntime(() => leastRecentlyUsed<Answer<Value>>(200))
  const admit = admission(name, permission)
  const ask = async (ctx: Context, input: z.input<Schema>): Promise<Asked<Value>> => {
    await admit(ctx)
    const parsed = parse(schema, input)
    refuseFuture(ctx, parsed.asOf)
    const { version } = await readHead(ctx)
    // An answer lives for a day at most: the default days of a lake without bills follow the calendar, and versions expire without a new lake version.
    const day = ctx.now().toISOString().slice(0, 10)
    const tagOf = (version: number) => tagged([name, ctx.orgId, version, day, ctx.currency ?? null, parsed])
    const fresh = async (): Promise<Answer<Value>> => {
      const view = await viewOf(ctx, version, parsed.asOf)
      const value = await run(ctx, parsed, view)
      // The lake may have moved since the version was read: then the answer is that of the later version.
      return { tag: parsed.asOf === undefined ? tagOf(view.lakeVersion) : tagOf(version), value }
    }
    const tag = tagOf(version)
    const memory = memoryOf(ctx.runtime)
    return { tag, isRemembered: memory.has(tag), answer: () => memory.recall(tag, fresh) }
  }
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Value> =>
    (await (await ask(ctx, input)).answer()).value
  return Object.assign(call, { id: name, schema, permission, admit, ask })
}

// Clocks differ a little.
const skewMs = 60_000

/** Nobody knows yet what the lake will be. */
function refuseFuture(ctx: Context, asOf: string | undefined): void {
  if (asOf === undefined || Date.parse(asOf) <= ctx.now().getTime() + skewMs) return
  throw new InvalidInput([{ path: 'asOf', message: 'must not lie in the future' }])
}

const headsOf = perRuntime(inTurns<Snapshot.Head>)

/** The lake's version, which each question has to know anew: many at once read it together. */
function readHead(ctx: Context): Promise<Snapshot.Head> {
  return headsOf(ctx.runtime)(ctx.orgId, async () => await Snapshot.head(ctx))
}

const viewsOf = perRuntime(() => leastRecentlyUsed<Snapshot.View>(10))

/** The lake at a version that was just read never changes, so all questions share it; one of the past is read each time. */
function viewOf(ctx: Context, version: number, asOf: string | undefined): Promise<Snapshot.View> {
  if (asOf !== undefined) return Snapshot.view(ctx, { asOf: new Date(asOf) })
  return viewsOf(ctx.runtime).recall(`${ctx.orgId}/${version}`, () => Snapshot.view(ctx))
}

/** A memory for each runtime: what one has seen, another must not. */
function perRuntime<Memory>(make: () => Memory): (runtime: Runtime) => Memory {
  const memories = new WeakMap<Runtime, Memory>()
  return (runtime) => {
    const memory = memories.get(runtime) ?? make()
    memories.set(runtime, memory)
    return memory
  }
}

function tagged(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32)
}
