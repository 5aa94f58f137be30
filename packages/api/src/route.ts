import type * as z from 'zod'
import type { Change, Command, Context, Cost, FaultCode, RateLimit, Requirement } from '@cloudoptima/core'
import type { Host } from './host.ts'
import { encoder } from './wire.ts'

/** What the contract says of an operation beside its schemas. */
export interface Contract<Answer extends z.ZodType> {
  summary: string
  description?: string
  answer: Answer
  /** Of the good answer; 200 unless told. 302 leads a browser elsewhere and has no body. */
  status?: 200 | 201 | 202 | 302
  /** As they are on the wire. */
  examples: { input?: Record<string, unknown>; answer: unknown }
  /** Faults beside those that the input and the machinery can always cause. */
  faults?: FaultCode[]
  /**
   * What a second request with the same Idempotency-Key is answered: the first answer again (`answer`, as every POST is unless told), one that is made again under the
   * same ids because it holds what does not last (`again`), or it knows no keys, because it makes nothing (`none`).
   */
  idempotency?: 'answer' | 'again' | 'none'
  /** Its input or answer holds what must not be kept in the clear. */
  isSecret?: boolean
  /** Of what anybody may ask: how often from one address. */
  perAddress?: Omit<RateLimit.Limit, 'name'>
  /** How long anybody may keep the answer. */
  cacheSeconds?: number
  /** The engine over Parquet: the operation runs in the function that carries it. */
  needs?: 'lake'
}

export type Method = 'get' | 'post' | 'put' | 'delete'

/** One operation of the API. */
export interface Route {
  /** Unique, `noun.verb`: the command's own name. */
  id: string
  method: Method
  /** `/v1/imports/{id}` */
  path: string
  permission: Requirement
  /** What the contract says of the input; the command checks it. */
  input: z.ZodObject
  contract: Contract<z.ZodType>
  needs: 'lake' | undefined
  admit(ctx: Context): Promise<void>
  /** Answers as core has it. */
  call(ctx: Context, input: unknown): Promise<unknown>
  /** Only of questions to the lake, whose answers can be recognised by a tag. */
  ask?: (ctx: Context, input: unknown) => Promise<Cost.Asked<object>>
  encode: (value: unknown) => unknown
  /** Where the input is not in path, query and body. */
  read?: (request: Request, path: Record<string, string>, host: Host) => unknown
  /** Headers that go with a good answer. */
  headers?: (value: unknown, host: Host) => Record<string, string>
}

/** What only a browser's redirects need. */
type Special = Pick<Route, 'read' | 'headers'> & { input?: z.ZodObject }

/** A command that reads. A command carries its permission, so a route without one does not compile. */
export function get<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Command<Input, z.input<Answer>> | Cost.Question<Input, z.input<Answer>>,
  contract: Contract<Answer>,
  special: Special = {},
): Route {
  return route('get', path, command, contract, special)
}

/** A command that creates or acts. One that leaves no trace in the audit log does not compile. */
export function post<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Change<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('post', path, command, contract)
}

/** A command that sets something. */
export function put<Input extends z.ZodObject, Answer extends z.ZodType>(
  path: string,
  command: Change<Input, z.input<Answer>>,
  contract: Contract<Answer>,
): Route {
  return route('put', path, command, contract)
}

/** A command that ends something; its input is in the path and the query. */
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
  // What comes from the wire is of any type; the command parses it by its schema first of all.
  const known = (input: unknown) => input as z.input<Input>
  const written: Route = {
    id,
    method,
    path,
    permission,
    input: schema,
    contract,
    needs: contract.needs,
    admit,
    call: (ctx, input) => command(ctx, known(input)),
    encode: encoder(contract.answer),
    ...special,
  }
  return 'ask' in command
    ? { ...written, ask: (ctx, input) => command.ask(ctx, known(input)) as Promise<Cost.Asked<object>> }
    : written
}

/** Whether a request of this operation may bring an Idempotency-Key. */
export function takesKey({ method, contract }: Pick<Route, 'method' | 'contract'>): boolean {
  return method === 'post' && contract.idempotency !== 'none'
}

/** Whether its input comes in the body. */
export function hasBody({ method }: Pick<Route, 'method'>): boolean {
  return method === 'post' || method === 'put'
}
