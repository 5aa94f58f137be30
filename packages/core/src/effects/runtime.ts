import type { Clouds } from './clouds.ts'
import type { ExchangeRates } from './exchange-rates.ts'
import type { Event } from '../kernel/event.ts'
import type { Lake } from './lake.ts'
import type { Permission, Role } from '../kernel/permission.ts'
import type { Outbox, Tables } from './tables.ts'
import type { Timers } from './timers.ts'
import type { TimeSeries } from './time-series.ts'

export interface Runtime {
  /** Publish no events: use `ctx.tables`. */
  tables: Tables
  outbox: Outbox
  blobs: Blobs
  bus: Bus
  workflows: Workflows
  queues: Queues
  timers: Timers
  counters: Counters
  anchors: Anchors
  mail: Mail
  dataKeys: DataKeys
  passwords: Passwords
  tokens: Tokens
  openId: OpenId
  clouds: Clouds
  /** Undefined where none are fetched. */
  exchangeRates: ExchangeRates | undefined
  /** Each use throws unless the stage names a table. */
  timeSeries: TimeSeries
  /** Without `/v1`. Throws if unknown in this process. */
  publicUrl(): string
  workspace: Workspace
  /** Without DuckDB each use throws a Fault. */
  lake: Lake
}

export interface Workspace {
  /** A fresh folder that no other user can read; removed afterwards. */
  within<Result>(use: (folder: string) => Promise<Result>): Promise<Result>
}

/** Objects of an organization; its prefix is not part of the keys. */
export interface Blobs {
  put(orgId: string, key: string, body: Uint8Array, contentType?: string): Promise<void>
  /** In parts, of any size. */
  putFile(orgId: string, key: string, path: string): Promise<void>
  /** Throws Fault `not_found`. */
  get(orgId: string, key: string): Promise<Uint8Array>
  stream(orgId: string, key: string): Promise<AsyncIterable<Uint8Array>>
  /** In key order. */
  list(orgId: string, prefix: string): Promise<{ key: string; bytes: number }[]>
  remove(orgId: string, key: string): Promise<void>
  /** Throws Fault `not_found`. */
  copy(orgId: string, from: string, to: string): Promise<void>
  /** S3 enforces the exact number of bytes; the embedded server does not. */
  uploadUrl(orgId: string, key: string, expiresSeconds: number, bytes: number): Promise<string>
  downloadUrl(orgId: string, key: string, expiresSeconds: number): Promise<string>
}

export interface Bus {
  /** At least once: subscribers are idempotent by `event.id`. */
  publish(event: Event): Promise<void>
}

/** A name is unique in its workflow: at most 80 letters, digits, `-` and `_`. */
export interface Workflows {
  /** Idempotent by name. */
  start(workflow: string, name: string, input: unknown): Promise<void>
  /** No effect on an ended or unknown execution. */
  stop(workflow: string, name: string, reason: string): Promise<void>
  describe(workflow: string, name: string): Promise<ExecutionState | undefined>
  /** Completes the waiting task. Throws Fault `conflict` if no task waits for the token. */
  succeed(token: string, output: unknown): Promise<void>
  fail(token: string, error: { error: string; cause: string }): Promise<void>
}

export interface ExecutionState {
  status: 'running' | 'succeeded' | 'failed' | 'stopped'
  output?: unknown
  error?: string | undefined
}

/** At-least-once queues: consumers are idempotent by message id. */
export interface Queues {
  send(queue: string, data: unknown, options?: SendOptions): Promise<void>
  depths(queues: readonly string[]): Promise<QueueDepth[]>
  /** Messages that exceeded the receive limit of their queue. */
  deadLetters(queue: string, limit: number): Promise<DeadLetter[]>
  redrive(queue: string): Promise<number>
}

export interface SendOptions {
  orgId?: string
  /** At most 900 (SQS). */
  delaySeconds?: number
  deduplicationId?: string
}

export interface QueueDepth {
  queue: string
  waiting: number
  inFlight: number
  delayed: number
  /** Null if unknown (as on SQS) or none. */
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
  /** Returns the sum. The counter expires; a later window needs another key. */
  add(orgId: string, key: string, amount: number, expiresAt: Date): Promise<number>
  get(orgId: string, key: string): Promise<number>
}

/** Of the entry that was the last one at that time. */
export interface Anchor {
  sequence: number
  hash: string
  at: string
}

/** A store outside of the tables, whose writer cannot change it. */
export interface Anchors {
  /** Idempotent. */
  put(orgId: string, anchor: Omit<Anchor, 'at'>): Promise<void>
  /** By number. */
  list(orgId: string): Promise<AsyncIterable<Anchor>>
}

/** The wrapped key is stored beside the ciphertext. */
export interface DataKeys {
  /** 256 bits, in the clear and wrapped (base64), bound to the context. */
  generate(context: Record<string, string>): Promise<{ key: Uint8Array; wrapped: string }>
  /** Throws Fault `unavailable` for another context. */
  unwrap(wrapped: string, context: Record<string, string>): Promise<Uint8Array>
}

/** argon2id. */
export interface Passwords {
  /** A PHC string. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  needsRehash(hash: string): Promise<boolean>
}

/** Of our access tokens (specification 6.1); seconds since 1970. */
export interface Claims {
  iss: string
  aud: string
  sub: string
  org_id: string
  role: Role
  permissions: Permission[]
  sid: string
  iat: number
  exp: number
  jti: string
}

export interface Tokens {
  readonly issuer: string
  readonly audience: string
  sign(claims: Claims): Promise<string>
  /** Checks signature, algorithm, issuer, audience and times only; throws Fault `unauthenticated`. */
  verify(token: string): Promise<Claims>
  /** The JWK set (RFC 7517). */
  keys(): Promise<{ keys: Record<string, unknown>[] }>
  /** By the issuer's discovery document. Throws Fault `unauthenticated` or `unavailable`. */
  verifyIssued(token: string, issuer: { issuer: string; audience: string }): Promise<Record<string, unknown>>
  /** Throws Fault `invalid` or `unavailable`. */
  checkIssuer(issuer: string): Promise<void>
}

export interface OpenIdProvider {
  issuer: string
  clientId: string
  clientSecret?: string | undefined
}

/** Between redirect and callback. */
export interface OpenIdFlow {
  state: string
  nonce: string
  codeVerifier: string
  redirectUri: string
}

/** Authorization code with PKCE. */
export interface OpenId {
  /** Throws Fault `unavailable` without an answer, Fault `invalid` if the URL is no provider. */
  begin(provider: OpenIdProvider, redirectUri: string): Promise<OpenIdFlow & { url: string }>
  /** `callbackUrl` has the full query. Throws Fault `unauthenticated` on any mismatch. */
  finish(provider: OpenIdProvider, flow: OpenIdFlow, callbackUrl: string): Promise<OpenIdIdentity>
  /** Throws Fault `invalid` or `unavailable`. */
  check(provider: OpenIdProvider): Promise<void>
}

export interface OpenIdIdentity {
  issuer: string
  subject: string
  email?: string
  emailVerified: boolean
  name?: string
}

declare module './tables.ts' {
  interface Tables {
    /** Stored by one machine instead of sent. */
    mails: Table<KeptMessage>
  }
}

export interface Mail {
  /** Throws Fault `unavailable`. */
  send(message: Message): Promise<void>
}

export interface Message {
  to: string
  subject: string
  text: string
}

export interface KeptMessage extends Message {
  id: string
  at: string
  expiresAt: number
}
