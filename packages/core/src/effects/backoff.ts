import { setTimeout } from 'node:timers/promises'

/** Exponential backoff with full jitter; `attempt` counts from 0 (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export async function backoff(attempt: number, { baseMs = 10, capMs = 1000 } = {}): Promise<void> {
  await setTimeout(Math.random() * Math.min(capMs, baseMs * 2 ** attempt))
}
