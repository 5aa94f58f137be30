import { setTimeout } from 'node:timers/promises'
import type { Runtime } from './runtime.ts'

/** With full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export async function backoff(attempt: number, { baseMs = 10, capMs = 1000 } = {}): Promise<void> {
  await setTimeout(Math.random() * Math.min(capMs, baseMs * 2 ** attempt))
}

export function perRuntime<Memory>(make: () => Memory): (runtime: Runtime) => Memory {
  const memories = new WeakMap<Runtime, Memory>()
  return (runtime) => {
    const memory = memories.get(runtime) ?? make()
    memories.set(runtime, memory)
    return memory
  }
}

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
