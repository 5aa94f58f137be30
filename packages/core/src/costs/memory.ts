import { LRUCache } from 'lru-cache'

export interface Memory<Value> {
  has(key: string): boolean
  /** Concurrent calls share one `make`, and a failure is not remembered. */
  recall(key: string, make: () => Promise<Value>): Promise<Value>
}

export function leastRecentlyUsed<Value>(max: number): Memory<Value> {
  const values = new LRUCache<string, Promise<Value>>({ max })
  return {
    has: (key) => values.has(key),
    async recall(key, make) {
      const value = values.get(key) ?? make()
      values.set(key, value)
      try {
        return await value
      } catch (error) {
        if (values.peek(key) === value) values.delete(key)
        throw error
      }
    },
  }
}

/** All calls that arrive during one read share the next read, never an earlier one. */
export function inTurns<Value>(): (key: string, read: () => Promise<Value>) => Promise<Value> {
  const underWay = new Map<string, Promise<void>>()
  const next = new Map<string, Promise<Value>>()
  const begin = async (key: string, read: () => Promise<Value>): Promise<Value> => {
    next.delete(key)
    const value = read()
    const forget = () => void (underWay.get(key) === ended && underWay.delete(key))
    // The callers of the read get its error.
    const ended: Promise<void> = value.then(forget, forget)
    underWay.set(key, ended)
    return await value
  }
  return async (key, read) => {
    const current = underWay.get(key)
    if (!current) return await begin(key, read)
    const shared = next.get(key) ?? current.then(() => begin(key, read))
    next.set(key, shared)
    return await shared
  }
}
