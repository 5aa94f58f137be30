/** For an LRUCache that expires by the wall clock: the monotonic clock of a frozen Lambda may stop. */
export const wallClock = { perf: { now: () => Date.now() }, ttlResolution: 0 }
