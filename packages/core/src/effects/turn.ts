import type { Runtime } from './runtime.ts'

const queues = new WeakMap<Runtime, Map<string, Promise<unknown>>>()

/** Serializes the runs of each key within one process. */
export async function inTurn<Value>(runtime: Runtime, key: string, run: () => Promise<Value>): Promise<Value> {
  const queue = queues.get(runtime) ?? new Map<string, Promise<unknown>>()
  queues.set(runtime, queue)
  const before = queue.get(key) ?? Promise.resolve()
  const mine = before.then(run, run)
  queue.set(key, mine)
  try {
    return await mine
  } finally {
    if (queue.get(key) === mine) queue.delete(key)
  }
}
