/** Ages the entries of a cache by the wall clock: a frozen Lambda's monotonic clock may stand still. */
export const wallClock = { perf: { now: () => Date.now() }, ttlResolution: 0 }
