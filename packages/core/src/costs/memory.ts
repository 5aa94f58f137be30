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

/**
 * Reads of something that changes, of which all that are asked for while one is under way share the next. So none answers what was known before it was asked, and
 * however many ask at once, two reads follow.
 */
export function inTurns<Value>(): (key: string, read: () => Promise<Value>) => Promise<Value> {
  const underWay = new Map<string, Promise<void>>()
  const next = new Map<string, Promise<Value>>()
  const begin = async (key: string, read: () => Promise<Value>): Promise<Value> => {
    next.delete(key)
    const value = read()
    const ended = value.then(nothing, nothing).then(() => void (underWay.get(key) === ended && underWay.delete(key)))
    underWay.set(key, ended)
    return await value
  }
  return async (key, read) => {
    const current = underWay.get(key)
    if (!current) return await begin(key, read)
    const shared = next.get(key) ?? current.then(async () => await begin(key, read))
    next.set(key, shared)
    return await shared
  }
}

function nothing(): void {
  // Whoever asked hears of it.
}
