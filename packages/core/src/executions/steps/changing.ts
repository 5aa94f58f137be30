import type { CloudAction } from '../../effects/acting.ts'
import type { Context } from '../../effects/context.ts'
import * as Organization from '../../organization/organization.ts'
import * as Execution from '../execution.ts'
import { reach, stepMs, type Unreachable } from '../reach.ts'
import type * as Target from '../target.ts'

/** `acting` while its execution is `executing`, `undoing` while it is `rolling_back`. */
type Phase = 'acting' | 'undoing'

const statusOf = { acting: 'executing', undoing: 'rolling_back' } as const satisfies Record<Phase, Execution.Status>

/** No call was made, or no further one. */
export type Held = { halted: string } | { busySeconds: number }

/**
 * The calls of one step that changes a target. Right before each call the halt is read. While calls of an earlier step
 * may still arrive, as after a kill, none is made. So no two steps of a target overlap, and no undo overtakes an act.
 */
export async function changing<Answer extends object>(
  ctx: Context,
  { execution, target, phase }: { execution: Execution.Info; target: Target.Info; phase: Phase },
  call: (action: CloudAction) => Promise<Answer>,
): Promise<Answer | Unreachable | Held> {
  const callsUntil = new Date(ctx.now().getTime() + stepMs).toISOString()
  const { before, after } = await ctx.tables.executionTargets.update(ctx.orgId, target.id, (info) =>
    info.state === phase && busySecondsOf(info, ctx.now()) === 0 ? { ...info, callsUntil } : undefined,
  )
  // Of another state: the next step finds nothing to do.
  if (before === after) return { busySeconds: busySecondsOf(after, ctx.now()) }
  try {
    return await reach(ctx, execution, target, call, async () => {
      const reason = await haltOf(ctx, execution.id, phase)
      if (reason !== undefined) throw new Halt(reason)
    })
  } catch (error) {
    if (error instanceof Halt) return { halted: error.message }
    throw error
  } finally {
    await ctx.tables.executionTargets.update(ctx.orgId, target.id, (info) =>
      info.callsUntil === callsUntil ? { ...info, callsUntil: undefined } : undefined,
    )
  }
}

/** No Fault, which the code of a cloud may take for an answer of the cloud. */
class Halt extends Error {}

export function busySecondsOf({ callsUntil }: Pick<Target.Info, 'callsUntil'>, now: Date): number {
  if (callsUntil === undefined) return 0
  return Math.max(0, Math.ceil((Date.parse(callsUntil) - now.getTime()) / 1000))
}

/** Why nothing may be changed any more, also of what is begun. */
export async function haltOf(ctx: Context, executionId: string, phase: Phase): Promise<string | undefined> {
  const [{ stopped }, { status }] = await Promise.all([Organization.load(ctx), Execution.load(ctx, executionId)])
  if (stopped) return `Executions are stopped: ${stopped.reason}`
  return status === statusOf[phase] ? undefined : `The execution is ${status}.`
}
