import type * as z from 'zod'
import type { Change, Command, Context, Cost, FaultCode, RateLimit, Requirement } from '@cloudoptima/core'
import type { Host } from './host.ts'
import { encoder } from './wire.ts'

/** The part of an operation's contract that its command does not carry. */
export interface Contract<Answer extends z.ZodType> {
  summary: string
  description?: string
  answer: Answer
  /** Status of a successful answer; default 200. A 302 redirects a browser and has no body. */
  status?: 200 | 201 | 202 | 302
  /** In wire format. */
  examples: { input?: Record<string, unknown>; answer: unknown }
  /** Faults beyond those that any operation of this kind can answer. */
  faults?: FaultCode[]
  /**
   * Answer to a repeated Idempotency-Key: the stored answer (`replay`, the default of POST) or a new run with the
   * same ids (`rerun`, for answers that expire, such as signed URLs). `none`: the operation takes no key.
   */
  idempotency?: 'replay' | 'rerun' | 'none'
  /** True if the input or the answer contains secrets, so that a stored answer must be encrypted. */
  isSecret?: boolean
  /** Rate limit of a public operation for one client address. */
  perAddress?: Omit<RateLimit.Limit, 'name'>
  /** Max-age of a public cache, in seconds. */
  cacheSeconds?: number
  /** `lake`: the operation runs in the function that bundles DuckDB. */
  needs?: 'lake'
}

export type Method = 'get' | 'post' | 'put' | 'delete'

/** One operation of the API. */
export interface Route {
  /** The command's id, `noun.verb`; unique. */
  id: string
  method: Method
  /** `/v1/imports/{id}` */
  path: string
  permission: Requirement
  /** Input schema of the contract. The command parses by its own schema. */
  input: z.ZodObject
  contract: Contract<z.ZodType>
  needs: 'lake' | undefined
  admit(ctx: Context): Promise<void>
  /** Runs the command and returns its unencoded result. */
  call(ctx: Context, input: unknown): Promise<unknown>
  /** Set for questions to the lake only; their answers have an ETag. */
  ask?: (ctx: Context, input: unknown) => Promise<Cost.Asked<object>>
  encode: (value: unknown) => unknown
  /** Replaces the default reading of path, query and body. */
  read?: (request: Request, path: Record<string, string>, host: Host) => unknown
  /** Extra headers of a successful answer. */
  headers?: (value: unknown, host: Host) => Record<string, string>
}

/** Overrides for the redirects of a browser sign-in. */
type Special = Pick<Route, 'read' | 'headers'> & { input?: z.ZodObject }

/** A route of a reading command. A command carries its permission, so a route without one does not compile. */
export function get<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
  special: Special = {},
): Route {
  return route('get', path, command, contract, special)
}

/** A route of a command that creates or acts. Only a `Change`, which leaves an audit trace, compiles. */
export function post<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Change<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('post', path, command, contract)
}

/** A route of a command that replaces or updates. */
export function put<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Change<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('put', path, command, contract)
}

/** A route of a command that deletes or ends; its input comes from the path and the query. */
export function del<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Change<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('delete', path, command, contract)
}

function route<Input extends z.ZodObject, Answer extends z.ZodType>(
  method: Method,
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
  special: Special = {},
): Route {
  const { id, schema, permission, admit } = command
  // Safe, because the command parses its input before it does anything.
  const asInput = (input: unknown) => input as z.input<Input>
  const made: Route = {
    id,
    method,
    path,
    permission,
    input: schema,
    contract,
    needs: contract.needs,
    admit,
    call: (ctx, input) => command(ctx, asInput(input)),
    encode: encoder(contract.answer),
    ...special,
  }
  return 'ask' in command
    ? { ...made, ask: (ctx, input) => command.ask(ctx, asInput(input)) as Promise<Cost.Asked<object>> }
    : made
}

/** Whether the operation accepts the header Idempotency-Key. */
export function takesKey({ method, contract }: Pick<Route, 'method' | 'contract'>): boolean {
  return method === 'post' && contract.idempotency !== 'none'
}

/** Whether the operation reads its input from the body. */
export function hasBody({ method }: Pick<Route, 'method'>): boolean {
  return method === 'post' || method === 'put'
}
