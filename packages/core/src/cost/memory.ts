/** Remembers what was made under a key. */
export interface Memory<Value> {
  has(key: string): boolean
  /** The remembered value, or a new one; whoever asks for the same key meanwhile waits for it too. A failure is not remembered. */
  recall(key: string, make: () => Promise<Value>): Promise<Value>
}

/** A memory of this many values that forgets the least recently used first. */
export function leastRecentlyUsed<Value>(capacity: number): Memory<Value> {
  const values = new Map<string, Promise<Value>>()
  return {
    has: (key) => values.has(key),
    async recall(key, make) {
      const value = values.get(key) ?? make()
      values.delete(key)
      values.set(key, value)
      const oldest = values.size > capacity ? values.keys().next().value : undefined
      if (oldest !== undefined) values.delete(oldest)
      try {
        return await value
      } catch (error) {
        if (values.get(key) === value) values.delete(key)
        throw error
      }
    },
  }
}
