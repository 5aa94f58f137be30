import type * as z from 'zod'
import type { Change, Command, Context, Cost, FaultCode, RateLimit, Requirement } from '@cloudoptima/core'
import type { Host } from './host.ts'
import { encoder } from './wire.ts'

export interface Contract<Answer extends z.ZodType> {
  summary: string
  description?: string
  answer: Answer
  /** A 302 redirects a browser and has no body. */
  status?: 200 | 201 | 202 | 302
  /** Examples in wire format. */
  request?: Record<string, unknown>
  response: unknown
  /** Beyond those of any operation of its kind. */
  faults?: FaultCode[]
  /** For a repeated Idempotency-Key: the stored answer (default of POST), or a new run with the same ids. */
  idempotency?: 'replay' | 'rerun' | 'none'
  /** A stored answer must be encrypted. */
  isSecret?: boolean
  /** For one client address of a public operation. */
  perAddress?: Omit<RateLimit.Limit, 'name'>
  cacheSeconds?: number
  /** In the function that bundles DuckDB. */
  needs?: 'lake'
}

export type Method = 'get' | 'post' | 'put' | 'delete'

export interface Route {
  /** `noun.verb` */
  id: string
  method: Method
  /** `/v1/imports/{id}` */
  path: string
  permission: Requirement
  /** The command parses by its own. */
  input: z.ZodObject
  contract: Contract<z.ZodType>
  needs: 'lake' | undefined
  admit(ctx: Context): Promise<void>
  call(ctx: Context, input: unknown): Promise<unknown>
  /** Of a question to the lake, whose answers have an ETag. */
  ask?: (ctx: Context, input: unknown) => Promise<Cost.Asked<object>>
  encode: (value: unknown) => unknown
  read?: (request: Request, path: Record<string, string>, host: Host) => unknown
  headers?: (value: unknown, host: Host) => Record<string, string>
}

/** For the redirects of a browser sign-in. */
type Special = Pick<Route, 'read' | 'headers'> & { input?: z.ZodObject }

/** Without a permission it does not compile. */
export function get<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
  special: Special = {},
): Route {
  return route('get', path, command, contract, special)
}

/** Only a `Change`, which leaves an audit trace, compiles. */
const changing =
  (method: Method) =>
  <Input extends z.ZodObject, Answer extends z.ZodType>(
    path: string,
    command: Change<Input, z.input<Answer>>,
    contract: Contract<Answer>,
  ): Route =>
    route(method, path, command, contract)
export const post = changing('post')
export const put = changing('put')
/** Its input comes from path and query. */
export const del = changing('delete')

function route<Input extends z.ZodObject, Answer extends z.ZodType>(
  method: Method,
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
  special: Special = {},
): Route {
  const { id, schema, permission, admit } = command
  // The command parses its input before it does anything.
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

/** The header Idempotency-Key. */
export function takesKey({ method, contract }: Pick<Route, 'method' | 'contract'>): boolean {
  return method === 'post' && contract.idempotency !== 'none'
}

export function hasBody({ method }: Pick<Route, 'method'>): boolean {
  return method === 'post' || method === 'put'
}
