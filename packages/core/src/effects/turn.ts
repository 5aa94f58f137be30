import { perRuntime } from './per-runtime.ts'
import type { Runtime } from './runtime.ts'

const queueOf = perRuntime(() => new Map<string, Promise<unknown>>())

/** One at a time for each key, within one process. */
export async function inTurn<Value>(runtime: Runtime, key: string, run: () => Promise<Value>): Promise<Value> {
  const queue = queueOf(runtime)
  const mine = (queue.get(key) ?? Promise.resolve()).then(run, run)
  queue.set(key, mine)
  try {
    return await mine
  } finally {
    if (queue.get(key) === mine) queue.delete(key)
  }
}
