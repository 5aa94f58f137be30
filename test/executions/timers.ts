/** Loaded before the timers of a test are fake. */
const realSetTimeout = globalThis.setTimeout

/**
 * For the mock of `node:timers/promises`, which fake timers leave real: a wait that also passes with a test's time,
 * which may be much faster.
 */
export const setTimeout = async (ms: number): Promise<void> =>
  await new Promise((resolve) => {
    globalThis.setTimeout(resolve, ms)
    realSetTimeout(resolve, ms)
  })
