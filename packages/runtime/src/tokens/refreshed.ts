export interface Refreshed<Value> {
  get(): Promise<Value>
  /** `current` itself if the last read is more recent than `pauseMs`. */
  newerThan(current: Value): Promise<Value>
}

export interface Ages {
  freshMs: number
  /** Maximum age while reading fails. */
  staleMs: number
  /** Minimum time between two reads. */
  pauseMs: number
}

/** Concurrent callers share one read. */
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
    async newerThan(current) {
      if (last && last.value !== current) return last.value
      return reading || mayTry() ? await readAgain() : current
    },
  }
}
