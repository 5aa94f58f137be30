import { LRUCache } from 'lru-cache'
import type { Runtime } from '../effects/runtime.ts'

/** `until` in ms since 1970. */
export interface Remembered {
  value: unknown
  until: number
}

const memories = new WeakMap<Runtime, LRUCache<string, Remembered>>()

/** By `{organization}/{user}/{session}`; holders of access tokens by their header. */
export function authMemory(runtime: Runtime): LRUCache<string, Remembered> {
  const memory = memories.get(runtime) ?? new LRUCache<string, Remembered>({ max: 10_000 })
  memories.set(runtime, memory)
  return memory
}

/** Call it after each change of a user, organization, session or API key. */
export function forgetAuthStates(runtime: Runtime): void {
  memories.delete(runtime)
}
