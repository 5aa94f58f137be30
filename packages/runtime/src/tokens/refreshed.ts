/** A value that is read again when it has become old, or because somebody misses something in it. */
export interface Refreshed<Value> {
  get(): Promise<Value>
  /** A newer one than `seen`, unless it was read so lately that asking again would help nobody. */
  newerThan(seen: Value): Promise<Value>
}

export interface Ages {
  /** So long nobody asks again. */
  freshMs: number
  /** So long the old one will do while a new one cannot be read. */
  staleMs: number
  /** So long at least lies between two tries. */
  pauseMs: number
}

/** `read` is never called twice at once. */
export function refreshed<Value>(read: () => Promise<Value>, { freshMs, staleMs, pauseMs }: Ages): Refreshed<Value> {
  let last: { value: Value; readAt: number } | undefined
  let triedAt = -Infinity
  let reading: Promise<Value> | undefined

  async function readNow(): Promise<Value> {
    triedAt = Date.now()
    try {
      const value = await read()
      last = { value, readAt: triedAt }
      return value
    } catch (error) {
      if (last && Date.now() - last.readAt < staleMs) return last.value
      throw error
    } finally {
      reading = undefined
    }
  }
  const readAgain = () => (reading ??= readNow())
  const mayTry = () => Date.now() - triedAt >= pauseMs

  return {
    async get() {
      if (last && Date.now() - last.readAt < freshMs) return last.value
      if (last && !mayTry() && Date.now() - last.readAt < staleMs) return reading ?? last.value
      return await readAgain()
    },
    async newerThan(seen) {
      if (last && last.value !== seen) return last.value
      return reading || mayTry() ? await readAgain() : seen
    },
  }
}
