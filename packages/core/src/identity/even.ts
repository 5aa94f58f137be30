import { setTimeout } from 'node:timers/promises'

const evenMs = 300

/** Carries something out so that its end, good or bad, comes no sooner than 300 ms after its beginning: how long it took does not tell what it found. */
export async function evenly<Value>(run: () => Promise<Value>): Promise<Value> {
  const floor = setTimeout(evenMs)
  try {
    return await run()
  } finally {
    await floor
  }
}
