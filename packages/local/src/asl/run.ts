import { setMaxListeners } from 'node:events'
import type { Execution } from '@cloudoptima/core'
import type { Context } from './path.ts'
import { StateError } from './error.ts'

export type StepFunction = (input: never) => Promise<unknown>

export type Entry = Omit<Execution.Step, 'id' | 'expiresAt'>

export interface Journal {
  /** The entry of an earlier process. */
  read(path: string): Entry | undefined
  write(path: string, entry: Entry): Promise<void>
}

export interface Run {
  journal: Journal
  steps: Record<string, StepFunction>
  newToken(path: string): string
  /** Waits until the token's answer is journaled. */
  waitFor(path: string, token: string): Waiting
  /** Journals that the token was sent, unless it was answered before. */
  markSent(path: string, entry: Entry): Promise<void>
}

export interface Waiting {
  answer: Promise<unknown>
  /** Stops waiting; false while an answer is being journaled. */
  withdraw(): boolean
}

export interface Place {
  path: string
  context: Context
  /** Aborted when the execution or an enclosing Parallel or Map ends. */
  signal: AbortSignal
}

const maxDelayMs = 2 ** 31 - 1

/** Rejects with the signal's reason on abort. */
export async function sleepUntil(until: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  for (let left = until - Date.now(); left > 0; left = until - Date.now())
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        settle()
      }
      const abort = () => end(() => reject(signal.reason as Error))
      const timer = setTimeout(() => end(resolve), Math.min(Math.ceil(left), maxDelayMs))
      signal.addEventListener('abort', abort)
    })
}

/** Rejects with `States.Timeout`, or with the signal's reason on abort. */
export async function withTimeout<Value>(work: Promise<Value>, until: number, signal: AbortSignal): Promise<Value> {
  const over = new AbortController()
  const limit = sleepUntil(until, anySignal(signal, over)).then(() => {
    throw new StateError('States.Timeout', 'The task did not end in time.')
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    over.abort()
  }
}

export function anySignal(signal: AbortSignal, own: AbortController): AbortSignal {
  const both = AbortSignal.any([signal, own.signal])
  // A Map runs many iterations under one signal.
  setMaxListeners(0, both)
  return both
}

const maxBytes = 256 * 1024

export function toJson(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null'
  if (Buffer.byteLength(text) > maxBytes)
    throw new StateError(
      'States.DataLimitExceeded',
      `More than ${maxBytes} bytes of JSON: put the data into an object and pass its key.`,
    )
  return JSON.parse(text) as unknown
}
