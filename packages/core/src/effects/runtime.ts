import type { Cloud } from '../kernel/cloud.ts'
import type { Event } from '../kernel/event.ts'
import type { Lake } from './lake.ts'
import type { Mail } from './mail.ts'
import type { Permission, Role } from '../kernel/permission.ts'
import type { Outbox, Tables } from './tables.ts'

/** Every side effect of core. */
export interface Runtime {
  /** Publish no events: use `ctx.tables`. */
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
  /** Public URL of the API without `/v1`. Throws if unknown in this process. */
  publicUrl(): string
  /** Functions without DuckDB throw a Fault on any use. */
  lake: Lake
}

/** Objects of an organization; its prefix is not part of the keys. */
export interface Blobs {
  put(orgId: string, key: string, body: Uint8Array, contentType?: string): Promise<void>
  /** Uploads a file of any size in parts. */
  putFile(orgId: string, key: string, path: string): Promise<void>
  /** Throws Fault `not_found`. */
  get(orgId: string, key: string): Promise<Uint8Array>
  stream(orgId: string, key: string): Promise<AsyncIterable<Uint8Array>>
  /** In key order. */
  list(orgId: string, prefix: string): Promise<{ key: string; bytes: number }[]>
  remove(orgId: string, key: string): Promise<void>
  /** Throws Fault `not_found`. */
  copy(orgId: string, from: string, to: string): Promise<void>
  /** A URL for PUT. S3 enforces the exact number of bytes; the embedded server does not. */
  uploadUrl(orgId: string, key: string, expiresSeconds: number, bytes: number): Promise<string>
  downloadUrl(orgId: string, key: string, expiresSeconds: number): Promise<string>
}

export interface Bus {
  /** At least once; subscribers are idempotent by `event.id`. */
  publish(event: Event): Promise<void>
}

/** Executions of workflows. A name is unique in its workflow: at most 80 letters, digits, `-` and `_`. */
export interface Workflows {
  /** Idempotent by name. */
  start(workflow: string, name: string, input: unknown): Promise<void>
  /** No effect on an ended or unknown execution. */
  stop(workflow: string, name: string, reason: string): Promise<void>
  describe(workflow: string, name: string): Promise<ExecutionState | undefined>
  /** Completes the task that waits for the token. Throws Fault `conflict` if none does. */
  succeed(token: string, output: unknown): Promise<void>
  /** Fails the waiting task. Throws Fault `conflict` if none waits. */
  fail(token: string, error: { error: string; cause: string }): Promise<void>
}

export interface ExecutionState {
  status: 'running' | 'succeeded' | 'failed' | 'stopped'
  output?: unknown
  /** Error and cause if failed, reason if stopped. */
  error?: string
}

/** At-least-once queues: consumers are idempotent by message id. */
export interface Queues {
  send(queue: string, data: unknown, options?: SendOptions): Promise<void>
  depths(queues: readonly string[]): Promise<QueueDepth[]>
  /** Messages that exceeded the receive limit of their queue, at most `limit`. */
  deadLetters(queue: string, limit: number): Promise<DeadLetter[]>
  /** Moves dead letters back to their queue; returns their number. */
  redrive(queue: string): Promise<number>
}

export interface SendOptions {
  orgId?: string
  /** At most 900 (SQS). */
  delaySeconds?: number
  /** The message's id. */
  deduplicationId?: string
}

export interface QueueDepth {
  queue: string
  waiting: number
  inFlight: number
  delayed: number
  /** Age of the oldest live message; null if unknown (as on SQS) or none. */
  oldestSeconds: number | null
  dead: number
}

export interface DeadLetter {
  id: string
  orgId: string
  sentAt: string
  /** On SQS each listing of dead letters counts too. */
  receives: number
}

export interface Counters {
  /** Atomically adds and returns the sum. The counter expires; a later window needs another key. */
  add(orgId: string, key: string, amount: number, expiresAt: Date): Promise<number>
  /** 0 for an unknown counter. */
  get(orgId: string, key: string): Promise<number>
}

/** Data keys of envelope encryption; the wrapped key is stored beside the ciphertext. */
export interface DataKeys {
  /** A new 256-bit key, in the clear and wrapped (base64). `context` names its owner and is bound to the key. */
  generate(context: Record<string, string>): Promise<{ key: Uint8Array; wrapped: string }>
  /** Throws Fault `unavailable` if the key was wrapped for another context. */
  unwrap(wrapped: string, context: Record<string, string>): Promise<Uint8Array>
}

/** Password hashing (argon2id). */
export interface Passwords {
  /** Returns a PHC string with salt and parameters. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  /** Whether the hash has outdated parameters. */
  needsRehash(hash: string): Promise<boolean>
}

/** Claims of our access tokens (specification 6.1), times in seconds since 1970. */
export interface Claims {
  iss: string
  aud: string
  sub: string
  org_id: string
  role: Role
  permissions: Permission[]
  /** Session id. */
  sid: string
  iat: number
  exp: number
  jti: string
}

/** Signed tokens: ours, and those of trusted issuers. */
export interface Tokens {
  /** `iss` and `aud` of our tokens. */
  readonly issuer: string
  readonly audience: string
  sign(claims: Claims): Promise<string>
  /** Checks only signature, algorithm, issuer, audience and times. Throws Fault `unauthenticated`. */
  verify(token: string): Promise<Claims>
  /** The JWK set (RFC 7517) that verifies our tokens. */
  keys(): Promise<{ keys: Record<string, unknown>[] }>
  /** Verifies another issuer's token by its discovery document. Throws Fault `unauthenticated` or `unavailable`. */
  verifyIssued(token: string, issuer: { issuer: string; audience: string }): Promise<Record<string, unknown>>
  /** Reads an issuer's discovery document and keys. Throws Fault `invalid` or `unavailable`. */
  checkIssuer(issuer: string): Promise<void>
}

/** An organization's OpenID Connect provider. */
export interface OpenIdProvider {
  issuer: string
  clientId: string
  clientSecret?: string | undefined
}

/** State of a sign-in between redirect and callback. */
export interface OpenIdFlow {
  state: string
  nonce: string
  codeVerifier: string
  redirectUri: string
}

/** OpenID Connect sign-in: authorization code with PKCE. */
export interface OpenId {
  /** URL for the browser. Throws Fault `unavailable` without an answer, Fault `invalid` if the URL is no provider. */
  begin(provider: OpenIdProvider, redirectUri: string): Promise<OpenIdFlow & { url: string }>
  /** `callbackUrl`: the full redirect URL with its query. Throws Fault `unauthenticated` on any mismatch. */
  finish(provider: OpenIdProvider, flow: OpenIdFlow, callbackUrl: string): Promise<OpenIdIdentity>
  /** Reads the provider's discovery document and keys. Throws Fault `invalid` or `unavailable`. */
  check(provider: OpenIdProvider): Promise<void>
}

/** The identity that a provider asserts. */
export interface OpenIdIdentity {
  issuer: string
  subject: string
  email?: string
  emailVerified: boolean
  name?: string
}

/** Access to one cloud with a customer's credentials. */
export interface CloudAccess {
  /** Tests the credentials. Throws Fault `unavailable` only if the cloud does not answer. */
  verify(credentials: CloudCredentials): Promise<Verification>
}

export interface Clouds extends Record<Cloud, CloudAccess> {
  aws: CloudAccess & AwsSetup
}

/** Setup of an AWS account before it is connected. */
export interface AwsSetup {
  /** CloudFormation templates as JSON, of the role that reads and of the one that carries out approved actions. */
  templates(): Promise<{ read: string; act: string }>
  /** ARN that assumes the roles; if undefined, the template asks for it. */
  principal(): Promise<string | undefined>
  /** A link to CloudFormation with template and parameters filled in. */
  quickCreateUrl(given: { templateUrl: string; externalId: string; principal: string }): Promise<string>
}

/** A customer's credentials for reading a cloud. */
export type CloudCredentials =
  | { cloud: 'aws'; roleArn: string; externalId: string }
  | { cloud: 'azure'; subscriptionId: string; tenantId: string; clientId: string; clientSecret: string }
  | {
      cloud: 'gcp'
      projectId: string
      serviceAccount: {
        client_email: string
        private_key: string
        private_key_id?: string | undefined
        token_uri?: string
      }
    }

/** The result of a verification. */
export interface Verification {
  /** The credentials work, without problems or missing permissions. */
  ok: boolean
  /** Reasons why the account is unusable, each with a message that says what to do. */
  problems: {
    code: 'credentials_refused' | 'external_id_not_required' | 'wrong_account' | 'not_found'
    message: string
  }[]
  /** Missing permissions by the cloud's own name (`ce:GetCostAndUsage`). */
  missing: { permission: string; neededFor: string }[]
  /** Name of the account in the cloud, if known. */
  accountName?: string
}
