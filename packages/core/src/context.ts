import type { Runtime } from './runtime.ts'

/** Who acts, for whom, when, and through what. Always the first parameter of a function that has effects. */
export interface Context {
  orgId: string
  /** The user, key or part of the system that acts. */
  actor: string
  requestId: string
  now(): Date
  log: Log
  runtime: Runtime
}

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}
