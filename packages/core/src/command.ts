import type * as z from 'zod'
import type { Context } from './context.ts'
import { type Complaint, Fault } from './fault.ts'

/** Every right there is. A role is a set of them. */
export const permissions = [
  'read:dashboard',
  'read:costs',
  'read:resources',
  'read:recommendations',
  'read:budgets',
  'read:anomalies',
  'read:reports',
  'create:reports',
  'export:data',
  'write:tags',
  'dismiss:recommendations',
  'write:anomalies',
  'read:policies',
  'read:executions',
  'request:remediation',
  'write:policies',
  'execute:policies',
  'approve:remediation',
  'read:accounts',
  'write:accounts',
  'write:budgets',
  'read:users',
  'write:users',
  'read:audit',
  'write:settings',
  'write:identity',
] as const

/** What a caller must hold; `public` is said aloud, so that nothing becomes public by being forgotten. */
export type Permission = (typeof permissions)[number] | 'public'

/** What can be reached from outside: its input is parsed by `schema` before the function sees it, and `permission` says who may call it. */
export interface Command<Schema extends z.ZodType = z.ZodType, Output = unknown> {
  (ctx: Context, input: z.input<Schema>): Promise<Output>
  readonly schema: Schema
  readonly permission: Permission
}

/** Makes a function reachable. Throws Fault `invalid`, naming every field that is wrong. */
export function command<Schema extends z.ZodType, Output>(
  schema: Schema,
  permission: Permission,
  run: (ctx: Context, input: z.output<Schema>) => Promise<Output>,
): Command<Schema, Output> {
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Output> => run(ctx, parse(schema, input))
  return Object.assign(call, { schema, permission })
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
