import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { parse, type Command, type Permission } from '../command.ts'
import type { Context } from '../context.ts'
import type { Runtime } from '../runtime.ts'
import { leastRecentlyUsed, type Memory } from './memory.ts'
import * as Snapshot from '../snapshot.ts'

/** An answer and the tag that names it: the same tag is the same answer, for ever. */
export interface Answer<Value> {
  tag: string
  value: Value
}

/** A question to the lake, parsed and tagged by one read of the lake's version, but not yet answered. */
export interface Asked<Value> {
  tag: string
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
  const memories = new WeakMap<Runtime, Memory<Answer<Value>>>()
  const memoryOf = (runtime: Runtime) => {
    const memory = memories.get(runtime) ?? leastRecentlyUsed<Answer<Value>>(200)
    memories.set(runtime, memory)
    return memory
  }
  const ask = async (ctx: Context, input: z.input<Schema>): Promise<Asked<Value>> => {
    const parsed = parse(schema, input)
    const { version } = await Snapshot.head(ctx)
    // Of an empty lake the default days follow the calendar, so its answers live for a day.
    const stateOf = (version: number) => (version === 0 ? ctx.now().toISOString().slice(0, 10) : String(version))
    const tagOf = (version: number) => tagged([name, ctx.orgId, stateOf(version), parsed])
    const fresh = async (): Promise<Answer<Value>> => {
      const view = await Snapshot.view(ctx, parsed.asOf === undefined ? {} : { asOf: new Date(parsed.asOf) })
      const value = await run(ctx, parsed, view)
      // The lake may have moved since the version was read: then the answer is that of the later version.
      return { tag: parsed.asOf === undefined ? tagOf(view.lakeVersion) : tagOf(version), value }
    }
    const tag = tagOf(version)
    return { tag, answer: () => memoryOf(ctx.runtime).recall(tag, fresh) }
  }
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Value> => (await (await ask(ctx, input)).answer()).value
  return Object.assign(call, { schema, permission, ask })
}

function tagged(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32)
}
