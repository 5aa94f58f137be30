import { setTimeout } from 'node:timers/promises'
import type { Call, CallLimit, Meter } from '../effects/clouds.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import { isFault } from '../kernel/fault.ts'
import * as RateLimit from '../guard/rate-limit.ts'
import * as Ledger from './ledger.ts'

// A longer wait ends the collection; the rest follows when the limit allows.
const mostWaitSeconds = 60

/** Counts the calls of one collection. Limits hold for all organizations and processes together. */
export function createMeter(ctx: Context, signal: AbortSignal): Meter & { calls(): Ledger.Entry } {
  let counted: Ledger.Entry = {}
  return {
    async take({ api, price = '0', bytes = 0, limits = [] }: Call) {
      signal.throwIfAborted()
      await waitForAll(ctx, limits, signal)
      counted = Ledger.sum(counted, { [api]: { calls: 1, bytes, usd: price } })
    },
    calls: () => counted,
  }
}

/** The longest first. A wait for one may outlast the window of another, which then counts the call again. */
async function waitForAll(ctx: Context, limits: readonly CallLimit[], signal: AbortSignal): Promise<void> {
  const windowOf = ({ windowSeconds }: CallLimit) => Math.floor(ctx.now().getTime() / 1000 / windowSeconds)
  const ordered = limits.toSorted((a, b) => b.windowSeconds - a.windowSeconds)
  const spentIn = new Map<CallLimit, number>()
  const next = () => ordered.find((limit) => spentIn.get(limit) !== windowOf(limit))
  for (let limit = next(); limit; limit = next()) {
    await waitFor(ctx, limit, signal)
    spentIn.set(limit, windowOf(limit))
  }
}

async function waitFor(ctx: Context, { units = 1, ...limit }: CallLimit, signal: AbortSignal): Promise<void> {
  const shared = { ...ctx, orgId: noOrganization }
  for (let taken = 0; taken < units;) {
    try {
      await RateLimit.spend(shared, limit)
      taken++
    } catch (error) {
      if (!isFault(error, 'rate_limited')) throw error
      const seconds = error.retryAfterSeconds ?? limit.windowSeconds
      if (seconds > mostWaitSeconds) throw error
      await setTimeout(seconds * 1000, undefined, { signal })
    }
  }
}
