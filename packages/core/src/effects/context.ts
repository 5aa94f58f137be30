import type { Actor } from '../kernel/actor.ts'
import type { Runtime } from './runtime.ts'
import type { Tables } from './tables.ts'

/** Caller, clock and effects: the first parameter of every function with effects. */
export interface Context {
  orgId: string
  actor: Actor
  requestId: string
  now(): Date
  /** A repeated idempotent request gets the same ids as the first one. */
  newId(prefix: string): string
  /** Default currency of the organization, if set. */
  currency?: string
  log: Log
  /** Publish the events of a write at once. */
  tables: Tables
  runtime: Runtime
}

type Line = (message: string, fields?: Record<string, unknown>) => void
export type Log = Record<'info' | 'warn' | 'error', Line>

/** The `orgId` of items without an organization: the e-mail directory, sign-in flows, attempts. */
export const noOrganization = 'identity'
