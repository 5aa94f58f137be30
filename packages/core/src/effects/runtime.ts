import type { Cloud } from '../kernel/cloud.ts'
import type { Event } from '../kernel/event.ts'
import type { Lake } from './lake.ts'
import type { Mail } from './mail.ts'
import type { Permission, Role } from '../kernel/permission.ts'
import type { Outbox, Tables } from './tables.ts'

/** Everything outside the process: what core may do to the world, and nothing else. */
export interface Runtime {
  /** Without a relay: use `ctx.tables`, which publishes the events of a write at once. */
  tables: Tables
  outbox: Outbox
  blobs: Blobs
  bus: Bus
  workflows: Workflows
  queues: Queues
  counters: Counters
  mail: Mail
  dataKeys: DataKeys
  passwords: Passwords
  tokens: Tokens
  openId: OpenId
  clouds: Clouds
  /** Where the API is reached from outside, without `/v1`, for links in mails. Throws where this process does not know. */
  publicUrl(): string
  /** The engine that reads and writes Parquet. Functions that carry no DuckDB answer any use of it with a fault. */
  lake: Lake
}

/** Objects of an organization; the key given here is what follows the organization's prefix. */
export interface Blobs {
  put(orgId: string, key: string, body: Uint8Array, contentType?: string): Promise<void>
  /** Uploads a file of any size, in parts. */
  putFile(orgId: string, key: string, path: string): Promise<void>
  /** Throws Fault `not_found`. */
  get(orgId: string, key: string): Promise<Uint8Array>
  stream(orgId: string, key: string): Promise<AsyncIterable<Uint8Array>>
  /** Keys and sizes below a prefix, in order of key. */
  list(orgId: string, prefix: string): Promise<{ key: string; bytes: number }[]>
  remove(orgId: string, key: string): Promise<void>
  /** A URL that accepts PUTs of the object, of exactly so many bytes where S3 itself judges them (the embedded one does not). */
  uploadUrl(orgId: string, key: string, expiresSeconds: number, bytes: number): Promise<string>
  /** A URL that answers GETs of the object. */
  downloadUrl(orgId: string, key: string, expiresSeconds: number): Promise<string>
}

export interface Bus {
  /** At least once; subscribers are idempotent by `event.id`. */
  publish(event: Event): Promise<void>
}

/** Executions of the product's workflows. A name is unique within its workflow: letters, digits, `-` and `_`, at most 80. */
export interface Workflows {
  /** Starts an execution; a second start of the same name changes nothing. */
  start(workflow: string, name: string, input: unknown): Promise<void>
  /** Ends a running execution. An ended or unknown execution stays as it is. */
  stop(workflow: string, name: string, reason: string): Promise<void>
  describe(workflow: string, name: string): Promise<ExecutionState | undefined>
  /** Ends the task that waits with this token. Throws Fault `conflict` when the token is unknown, used or timed out. */
  succeed(token: string, output: unknown): Promise<void>
  /** Fails the task that waits with this token. Throws Fault `conflict` as `succeed` does. */
  fail(token: string, error: { error: string; cause: string }): Promise<void>
}

export interface ExecutionState {
  status: 'running' | 'succeeded' | 'failed' | 'stopped'
  /** Of a succeeded execution. */
  output?: unknown
  /** Error and cause of a failed execution, the reason of a stopped one. */
  error?: string
}

/** Queues of work. A message is delivered at least once: consumers are idempotent by its id. */
export interface Queues {
  send(queue: string, data: unknown, options?: SendOptions): Promise<void>
  /** For operators: how much each of these queues holds. */
  depths(queues: readonly string[]): Promise<QueueDepth[]>
  /** At most `limit` of the messages that failed as often as their queue allows. */
  deadLetters(queue: string, limit: number): Promise<DeadLetter[]>
  /** Moves the dead letters back to their queue; answers how many. */
  redrive(queue: string): Promise<number>
}

export interface SendOptions {
  /** Without it the message belongs to no organization. */
  orgId?: string
  /** At most 900, as on SQS. */
  delaySeconds?: number
  /** Becomes the message's id, by which a consumer recognizes a message that was sent twice. */
  deduplicationId?: string
}

export interface QueueDepth {
  queue: string
  waiting: number
  inFlight: number
  delayed: number
  /** Age of the oldest message that is not dead; null where it is not known, as on SQS itself, or where there is none. */
  oldestSeconds: number | null
  dead: number
}

export interface DeadLetter {
  id: string
  orgId: string
  sentAt: string
  /** How often the message was received. On SQS itself each listing of dead letters counts too. */
  receives: number
}

/** Numbers that many add to at once. */
export interface Counters {
  /** Adds in one atomic write and answers the sum. The counter is forgotten after `expiresAt`, and then begins at 0 under another key. */
  add(orgId: string, key: string, amount: number, expiresAt: Date): Promise<number>
}

/** Keys for envelope encryption: what is encrypted with one is kept beside the wrapped key, and only the right context unwraps it. */
export interface DataKeys {
  /** A fresh key of 256 bits, in the clear for use now, and wrapped (base64) for keeping. `context` names whom it belongs to; it is bound to the key, and not secret. */
  generate(context: Record<string, string>): Promise<{ key: Uint8Array; wrapped: string }>
  /** Throws Fault `unavailable` when the wrapped key was not made for exactly this context. */
  unwrap(wrapped: string, context: Record<string, string>): Promise<Uint8Array>
}

/** Password hashing, slow on purpose (argon2id). */
export interface Passwords {
  /** A PHC string, which carries salt and parameters. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  /** Whether the hash was made with other parameters than today's: hash the password again while it is known. */
  needsRehash(hash: string): Promise<boolean>
}

/** What an access token of ours says (specification 6.1). Times are seconds since 1970. */
export interface Claims {
  iss: string
  aud: string
  sub: string
  org_id: string
  role: Role
  permissions: Permission[]
  /** The session that it belongs to. */
  sid: string
  iat: number
  exp: number
  jti: string
}

/** Signed tokens: ours, and those of an issuer that an organization trusts. */
export interface Tokens {
  /** What stands in `iss` and `aud` of our tokens. */
  readonly issuer: string
  readonly audience: string
  sign(claims: Claims): Promise<string>
  /** Signature, algorithm, issuer, audience and times are checked, nothing else. Throws Fault `unauthenticated`. */
  verify(token: string): Promise<Claims>
  /** The public keys that our tokens can be verified with, as RFC 7517 has them. */
  keys(): Promise<{ keys: Record<string, unknown>[] }>
  /** The claims of a token of another issuer, found by its discovery document. Throws Fault `unauthenticated`; Fault `unavailable` when the issuer does not answer. */
  verifyIssued(token: string, issuer: { issuer: string; audience: string }): Promise<Record<string, unknown>>
}

/** An OpenID Connect provider, as an organization configured it. */
export interface OpenIdProvider {
  issuer: string
  clientId: string
  clientSecret?: string
}

/** What must be kept between the two halves of a sign-in. */
export interface OpenIdFlow {
  state: string
  nonce: string
  codeVerifier: string
  redirectUri: string
}

/** Sign-in with an OpenID Connect provider: authorization code with PKCE. */
export interface OpenId {
  /** Where to send the browser. Throws Fault `unavailable` when the provider does not answer, Fault `invalid` when it is none. */
  begin(provider: OpenIdProvider, redirectUri: string): Promise<OpenIdFlow & { url: string }>
  /** `callbackUrl` is the address that the provider sent the browser back to, with its query. Throws Fault `unauthenticated` when anything does not fit. */
  finish(provider: OpenIdProvider, flow: OpenIdFlow, callbackUrl: string): Promise<OpenIdIdentity>
}

/** Whom a provider vouches for. */
export interface OpenIdIdentity {
  issuer: string
  subject: string
  email?: string
  emailVerified: boolean
  name?: string
}

/** How one cloud is reached with a customer's credentials. */
export interface CloudAccess {
  /** Calls the cloud and says what the credentials can do. Throws Fault `unavailable` only when the cloud does not answer; everything else is in the answer. */
  verify(credentials: CloudCredentials): Promise<Verification>
}

/** All clouds. */
export interface Clouds extends Record<Cloud, CloudAccess> {
  aws: CloudAccess & AwsSetup
}

/** What an AWS account needs before it can be connected. */
export interface AwsSetup {
  /** CloudFormation templates as JSON: the role that reads costs and resources, and the one that carries out what was approved. */
  templates(): Promise<{ read: string; act: string }>
  /** Who assumes the roles, as an ARN; undefined where that is not known, and the template asks for it. */
  principal(): Promise<string | undefined>
  /** A link that opens CloudFormation with the template and its parameters filled in. */
  quickCreateUrl(given: { templateUrl: string; externalId: string; principal: string }): Promise<string>
}

/** What a customer gives us to read their cloud with. */
export type CloudCredentials =
  | { cloud: 'aws'; roleArn: string; externalId: string }
  | { cloud: 'azure'; subscriptionId: string; tenantId: string; clientId: string; clientSecret: string }
  | {
      cloud: 'gcp'
      projectId: string
      serviceAccount: { client_email: string; private_key: string; private_key_id?: string; token_uri?: string }
    }

/** What a verification found. */
export interface Verification {
  /** Whether the account can be used: the credentials work, nothing is wrong with them, and no permission is missing. */
  ok: boolean
  /** What stops the account from being used at all, as a sentence that says what to do: a wrong role, a role that anyone can assume, a wrong secret. */
  problems: {
    code: 'credentials_refused' | 'external_id_not_required' | 'wrong_account' | 'not_found'
    message: string
  }[]
  /** Each permission that lacks, by the cloud's own name for it (`ce:GetCostAndUsage`), with what it is needed for. */
  missing: { permission: string; neededFor: string }[]
  /** As the cloud has it, where it could be asked. */
  accountName?: string
}
