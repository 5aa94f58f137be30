import type { Actor } from '../kernel/actor.ts'
import type { VirtualTag } from './queries.ts'
import type { Runtime } from './runtime.ts'
import type { Tables } from './tables.ts'

export interface Context {
  orgId: string
  actor: Actor
  requestId: string
  now(): Date
  /** A repeated idempotent request gets the same ids as the first one. */
  newId(prefix: string): string
  currency?: string
  /** Of the organization. */
  virtualTags?: readonly VirtualTag[]
  log: Log
  /** Publish the events of a write at once. */
  tables: Tables
  runtime: Runtime
}

type Line = (message: string, fields?: Record<string, unknown>) => void
export type Log = Record<'info' | 'warn' | 'error', Line>

/** The `orgId` of items without an organization. */
export const noOrganization = 'identity'

export function asUser(ctx: Context, id: string): Context {
  return { ...ctx, actor: { ...ctx.actor, kind: 'user', id } }
}

/** For `expiresAt` of an item. */
export function expiryIn(ctx: Context, seconds: number): number {
  return Math.ceil(ctx.now().getTime() / 1000) + seconds
}
