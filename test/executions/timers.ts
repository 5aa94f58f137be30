/** For the mock of `node:timers/promises`, which fake timers leave real: a wait that passes with the time of a test. */
export const setTimeout = async (ms: number): Promise<void> =>
  await new Promise((resolve) => globalThis.setTimeout(resolve, ms))
