import type { Actor } from '../kernel/actor.ts'
import type { Runtime } from './runtime.ts'
import type { Tables } from './tables.ts'

/** Who acts, for whom, when, and through what. Always the first parameter of a function that has effects. */
export interface Context {
  orgId: string
  actor: Actor
  requestId: string
  now(): Date
  /** A fresh id. Of a request that is carried out again after a crash, the same ids as the first time. */
  newId(prefix: string): string
  /** In which the organization wants its costs, where it has said so. */
  currency?: string
  log: Log
  /** The tables of the runtime with a relay: the events of a write are published at once. */
  tables: Tables
  runtime: Runtime
}

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** The `orgId` of items that belong to no organization: the directory of e-mail addresses, sign-in flows of anonymous callers. */
export const noOrganization = 'identity'
