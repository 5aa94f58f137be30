import type { Runtime } from './runtime.ts'

export function perRuntime<Memory>(make: () => Memory): (runtime: Runtime) => Memory {
  const memories = new WeakMap<Runtime, Memory>()
  return (runtime) => {
    const memory = memories.get(runtime) ?? make()
    memories.set(runtime, memory)
    return memory
  }
}
