import { setMaxListeners } from 'node:events'
import type { Execution } from '@cloudoptima/core'
import type { Context } from './path.ts'
import { StateError } from './error.ts'

/** A function of a workflow: JSON in, JSON out, as a Lambda. */
export type StepFunction = (input: never) => Promise<unknown>

/** What is remembered of a state, without its key. */
export type Entry = Omit<Execution.Step, 'id' | 'expiresAt'>

/** Remembers what the states of one execution have come to, by their paths in it. */
export interface Journal {
  /** What an earlier process left. */
  read(path: string): Entry | undefined
  write(path: string, entry: Entry): Promise<void>
}

/** One execution on its way. */
export interface Run {
  journal: Journal
  steps: Record<string, StepFunction>
  /** A token for the state at this path. */
  newToken(path: string): string
  /** The answer to a token, as soon as it is remembered. */
  waitFor(path: string, token: string): Waiting
  /** Remembers that the function which takes the token has ended; an answer that came before stays. */
  markSent(path: string, entry: Entry): Promise<void>
}

export interface Waiting {
  /** Settles with the task. */
  answer: Promise<unknown>
  /** Ends the waiting. False where an answer is just being remembered. */
  withdraw(): boolean
}

/** Where in its execution a state is. */
export interface Place {
  /** Steps from the root: state and visit, attempt, branch or item. */
  path: string
  context: Context
  /** Aborted when the execution, or the Parallel or Map around the state, has ended or is to. */
  signal: AbortSignal
}

/** The longest delay that a timer takes. */
const longestMs = 2 ** 31 - 1

/** Resolves at an instant; rejects with the signal's reason when that is aborted before. */
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
      const timer = setTimeout(() => end(resolve), Math.min(Math.ceil(left), longestMs))
      signal.addEventListener('abort', abort)
    })
}

/** The outcome of work that has to end by an instant. Rejects with `States.Timeout` after it, and with the signal's reason when that is aborted. */
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

/** A signal for what begins inside a place: aborted with the place, or on its own. */
export function anySignal(signal: AbortSignal, own: AbortController): AbortSignal {
  const both = AbortSignal.any([signal, own.signal])
  // A Map may run many iterations under one signal.
  setMaxListeners(0, both)
  return both
}

/** The most that Step Functions passes from state to state: 256 KiB of JSON. */
const mostBytes = 256 * 1024

/** What crosses a network on AWS: JSON, and no more than Step Functions takes. */
export function toJson(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null'
  if (Buffer.byteLength(text) > mostBytes)
    throw new StateError(
      'States.DataLimitExceeded',
      `More than ${mostBytes} bytes of JSON: put the data into an object and pass its key.`,
    )
  return JSON.parse(text) as unknown
}
