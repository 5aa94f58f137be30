import { backoff } from '../kernel/backoff.ts'
import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import { inTurn } from '../kernel/turn.ts'

const attempts = 30

/**
 * Moves the head of the lake, whose one item every commit of the organization writes. `attempt` answers undefined when another commit was faster. Commits of one
 * process queue up; those of several processes spread out by jittered backoff. Throws Fault `unavailable` when every attempt was overtaken.
 */
export async function advance<Answer>(ctx: Context, attempt: () => Promise<Answer | undefined>): Promise<Answer> {
  return await inTurn(ctx.runtime, `lake/${ctx.orgId}`, async () => {
    for (let tried = 0; tried < attempts; tried++) {
      const answer = await attempt()
      if (answer !== undefined) return answer
      await backoff(tried, { baseMs: 50, capMs: 1500 })
    }
    throw new Fault('unavailable', 'Other imports keep changing the lake. Try again in a moment.')
  })
}
