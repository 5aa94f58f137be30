import type * as z from 'zod'
import * as Actor from '../kernel/actor.ts'
import * as Audit from './audit.ts'
import type { Context } from '../effects/context.ts'
import { type Complaint, Fault } from '../kernel/fault.ts'
import type { Requirement } from '../kernel/permission.ts'

/** What can be reached from outside: whoever calls it is held against `permission`, and its input against `schema`, before the function sees either. */
export interface Command<Schema extends z.ZodType = z.ZodType, Output = unknown> {
  (ctx: Context, input: z.input<Schema>): Promise<Output>
  /** `noun.verb`, unique: the operation of the API and the action of the audit log. */
  readonly id: string
  readonly schema: Schema
  readonly permission: Requirement
  /** Throws Fault `unauthenticated` or `forbidden` for an actor who may not call it, and writes that down. The call itself does this too. */
  admit(ctx: Context): Promise<void>
}

/** A command that changes something, and leaves an entry in the audit log of the organization. */
export interface Change<Schema extends z.ZodType = z.ZodType, Output = unknown> extends Command<Schema, Output> {
  readonly changes: true
}

/** Makes a function that only reads reachable. Throws Fault `invalid`, naming every field that is wrong. */
export function command<Schema extends z.ZodType, Output>(
  id: string,
  schema: Schema,
  permission: Requirement,
  run: (ctx: Context, input: z.output<Schema>) => Promise<Output>,
): Command<Schema, Output> {
  const admit = admission(id, permission)
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Output> => {
    await admit(ctx)
    return run(ctx, parse(schema, input))
  }
  return Object.assign(call, { id, schema, permission, admit })
}

/**
 * Makes a function that changes something reachable. What it says to `note` stands in the audit log, in whichever organization it names; the entry is
 * written before the answer, and a process that ends in between leaves a trace in what it wrote.
 */
export function change<Schema extends z.ZodType, Output>(
  id: string,
  schema: Schema,
  permission: Requirement,
  run: (ctx: Context, input: z.output<Schema>, note: Audit.Note) => Promise<Output>,
): Change<Schema, Output> {
  const admit = admission(id, permission)
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Output> => {
    await admit(ctx)
    const parsed = parse(schema, input)
    return await Audit.around(ctx, id, async (traced, note) => await run(traced, parsed, note))
  }
  return Object.assign(call, { id, schema, permission, admit, changes: true as const })
}

/** Checks the caller; a refusal is logged, and stands in the audit log of the organization that the caller belongs to. */
export function admission(action: string, permission: Requirement): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    try {
      Actor.require(ctx.actor, permission)
    } catch (error) {
      ctx.log.warn('denied', { action, permission, code: error instanceof Fault ? error.code : undefined })
      if (ctx.actor.kind !== 'anonymous')
        await Audit.append(ctx, { action, result: 'denied', detail: `lacks ${permission}` })
      throw error
    }
  }
}

/** The input as the schema reads it. Throws Fault `invalid` with a complaint for each field that is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const complaints = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  throw new InvalidInput(complaints)
}

/** Fault `invalid` whose message is its complaints, so that whoever calls fields by other names can make it anew. */
export class InvalidInput extends Fault {
  constructor(complaints: readonly Complaint[]) {
    const named = complaints.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    super('invalid', `The request cannot be understood: ${named.slice(0, 3).join('; ')}.`, complaints)
  }
}
