import type * as z from 'zod'
import { type Command, type Context, type Cost, type FaultCode, type Permission } from '@cloudoptima/core'
import { encoder } from './wire.ts'

/** What the contract says of an operation beside its schemas. */
export interface Contract<Answer extends z.ZodType> {
  /** Unique, `noun.verb`. */
  id: string
  summary: string
  description?: string
  answer: Answer
  /** Of the good answer; 200 unless told. */
  status?: 200 | 201 | 202
  /** As they are on the wire. */
  examples: { input?: Record<string, unknown>; answer: unknown }
  /** Faults beside those that the input and the machinery can always cause. */
  faults?: FaultCode[]
}

/** One operation of the API. */
export interface Route {
  method: 'get' | 'post'
  /** `/v1/imports/{id}` */
  path: string
  permission: Permission
  input: z.ZodObject
  contract: Contract<z.ZodType>
  /** Answers as the wire has it. */
  call(ctx: Context, input: unknown): Promise<unknown>
  /** Only of questions to the lake, whose answers can be recognised by a tag. */
  ask?: (ctx: Context, input: unknown) => Promise<Cost.Asked<object>>
  encode: (value: unknown) => unknown
}

/** A command that reads. A command carries its permission, so a route without one does not compile. */
export function get<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('get', path, command, contract)
}

/** A command that changes something. */
export function post<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Command<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('post', path, command, contract)
}

function route<Input extends z.ZodObject, Answer extends z.ZodType>(
  method: Route['method'],
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  const { schema, permission } = command
  // What comes from the wire is of any type; the command parses it by its schema first of all.
  const known = (input: unknown) => input as z.input<Input>
  const written: Route = {
    method,
    path,
    permission,
    input: schema,
    contract,
    call: (ctx, input) => command(ctx, known(input)),
    encode: encoder(contract.answer),
  }
  return 'ask' in command ? { ...written, ask: (ctx, input) => command.ask(ctx, known(input)) as Promise<Cost.Asked<object>> } : written
}
