import { createHash } from 'node:crypto'
import type * as z from 'zod'
import { admission, InvalidInput, parse, type Command } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import type { Permission } from '../kernel/permission.ts'
import type { Runtime } from '../effects/runtime.ts'
import { inTurns, leastRecentlyUsed } from './memory.ts'
import * as Snapshot from '../lake/snapshot.ts'

/** An answer and its tag (ETag). The same tag always means the same answer. */
export interface Answer<Value> {
  tag: string
  value: Value
}

/** A question that was parsed and tagged by one read of the lake version, and is not answered yet. */
export interface Asked<Value> {
  tag: string
  /** Whether the answer is cached, so that giving it needs no query. */
  isRemembered: boolean
  answer(): Promise<Answer<Value>>
}

/** A command that only reads the lake. Its answers are cached by their tag until the lake changes. */
export interface Question<Schema extends z.ZodType = z.ZodType, Value = unknown> extends Command<Schema, Value> {
  ask(ctx: Context, input: z.input<Schema>): Promise<Asked<Value>>
}

/** Makes a question. `run` must depend on the input and the view only. */
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
      // The lake may have changed since its version was read: the answer is of the later version.
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

// Tolerance between the clocks of caller and server.
const skewMs = 60_000

/** Throws Fault `invalid` for a time in the future, at which the lake is unknown. */
function refuseFuture(ctx: Context, asOf: string | undefined): void {
  if (asOf === undefined || Date.parse(asOf) <= ctx.now().getTime() + skewMs) return
  throw new InvalidInput([{ path: 'asOf', message: 'must not lie in the future' }])
}

const headsOf = perRuntime(inTurns<Snapshot.Head>)

/** The lake's head, fresh for each question. Concurrent questions share one read. */
function readHead(ctx: Context): Promise<Snapshot.Head> {
  return headsOf(ctx.runtime)(ctx.orgId, async () => await Snapshot.head(ctx))
}

const viewsOf = perRuntime(() => leastRecentlyUsed<Snapshot.View>(10))

/** The view at a lake version never changes, so all questions share it. A view of the past is read each time. */
function viewOf(ctx: Context, version: number, asOf: string | undefined): Promise<Snapshot.View> {
  if (asOf !== undefined) return Snapshot.view(ctx, { asOf: new Date(asOf) })
  return viewsOf(ctx.runtime).recall(`${ctx.orgId}/${version}`, () => Snapshot.view(ctx))
}

/** One memory per runtime: tests with several runtimes must not share answers. */
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
