import type { Runtime } from './runtime.ts'

/** A memory of its own for each runtime. */
export function perRuntime<Memory>(make: () => Memory): (runtime: Runtime) => Memory {
  const memories = new WeakMap<Runtime, Memory>()
  return (runtime) => {
    const memory = memories.get(runtime) ?? make()
    memories.set(runtime, memory)
    return memory
  }
}
