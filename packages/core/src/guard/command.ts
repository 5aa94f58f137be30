import type * as z from 'zod'
import * as Actor from '../kernel/actor.ts'
import * as Audit from './audit.ts'
import type { Context } from '../effects/context.ts'
import { type Complaint, Fault } from '../kernel/fault.ts'
import type { Requirement } from '../kernel/permission.ts'

/** It checks `permission`, then parses the input with `schema`. */
export interface Command<Schema extends z.ZodType = z.ZodType, Output = unknown> {
  (ctx: Context, input: z.input<Schema>): Promise<Output>
  /** Unique `noun.verb`: API operation and audit action. */
  readonly id: string
  readonly schema: Schema
  readonly permission: Requirement
  /** Throws Fault `unauthenticated` or `forbidden`, as the call does. */
  admit(ctx: Context): Promise<void>
}

export interface Change<Schema extends z.ZodType = z.ZodType, Output = unknown> extends Command<Schema, Output> {
  readonly changes: true
}

/** For reading. Throws Fault `invalid`, naming every wrong field. */
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

/** For writing: leaves an audit entry before the answer; `note` describes its subject. */
export function change<Schema extends z.ZodType, Output>(
  id: string,
  schema: Schema,
  permission: Requirement,
  run: (ctx: Context, input: z.output<Schema>, note: Audit.Note) => Promise<Output>,
): Change<Schema, Output> {
  const audited = async (ctx: Context, input: z.output<Schema>) =>
    await Audit.around(ctx, id, (traced, note) => run(traced, input, note))
  return Object.assign(command(id, schema, permission, audited), { changes: true as const })
}

/** A refusal is logged, and audited in the caller's organization. */
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

export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new InvalidInput(
    parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  )
}

/** So that the API can rename the fields. */
export class InvalidInput extends Fault {
  constructor(complaints: readonly Complaint[]) {
    const named = complaints.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    super('invalid', `The request is invalid: ${named.slice(0, 3).join('; ')}.`, complaints)
  }
}
