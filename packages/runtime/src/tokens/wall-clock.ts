/** Options for an LRUCache that expires by the wall clock, because a frozen Lambda's monotonic clock may stop. */
export const wallClock = { perf: { now: () => Date.now() }, ttlResolution: 0 }
