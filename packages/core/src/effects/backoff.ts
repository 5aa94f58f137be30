import { setTimeout } from 'node:timers/promises'

/** With full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export async function backoff(attempt: number, { baseMs = 10, capMs = 1000 } = {}): Promise<void> {
  await setTimeout(Math.random() * Math.min(capMs, baseMs * 2 ** attempt))
}
