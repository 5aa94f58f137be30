import { LRUCache } from 'lru-cache'
import type { Runtime } from '../effects/runtime.ts'

/** A cached auth state; `until` in ms since 1970. */
export interface Remembered {
  value: unknown
  until: number
}

const memories = new WeakMap<Runtime, LRUCache<string, Remembered>>()

/** Cached auth states by `{organization}/{user}/{session}`, and holders by the header of their access token. */
export function authMemory(runtime: Runtime): LRUCache<string, Remembered> {
  const memory = memories.get(runtime) ?? new LRUCache<string, Remembered>({ max: 10_000 })
  memories.set(runtime, memory)
  return memory
}

/** Clears this process's auth states. Call it after each change of a user, organization, session or API key. */
export function forgetAuthStates(runtime: Runtime): void {
  memories.delete(runtime)
}
