import { LRUCache } from 'lru-cache'
import type { Runtime } from '../effects/runtime.ts'

/** An auth state that a process read, and how long it trusts it (ms since 1970). */
export interface Remembered {
  value: unknown
  until: number
}

const memories = new WeakMap<Runtime, LRUCache<string, Remembered>>()

/** The auth states that a process remembers, by `{organization}/{user}/{session}`. */
export function authMemory(runtime: Runtime): LRUCache<string, Remembered> {
  const memory = memories.get(runtime) ?? new LRUCache<string, Remembered>({ max: 10_000 })
  memories.set(runtime, memory)
  return memory
}

/** Makes this process read auth states again. Call it after each change of a user, an organization, a session or an API key. */
export function forgetAuthStates(runtime: Runtime): void {
  memories.delete(runtime)
}
