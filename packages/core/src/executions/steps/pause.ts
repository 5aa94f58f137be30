import { mostTargets } from '../safety.ts'
import type * as Target from '../target.ts'

/** Of an execution of Step Functions: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const mostEvents = 25_000
/** Of one call: five of the task, two of the choice and two of the wait behind it. */
export const eventsOfCall = 9
/** Of one target in a map beside its calls: its start and end, and the state Pass. */
export const eventsOfTarget = 4
/** Left for the rest of the workflow with seven reminders, and for retries, which have three each. */
const otherEvents = 3000
/** The first call, the last one, and those of verifications that find a difference. */
export const mostMisses = 5
export const otherCalls = 2 + mostMisses

interface Budget {
  /** Waits for a slot of the account. */
  waits: number
  /** Waits for the cloud, in the act and again in the undo. */
  steps: number
}

/** How often each target may wait, so that an act and an undo of all targets fit into one history. */
export function budgetOf(targets: number): Budget {
  const count = Math.min(mostTargets, Math.max(1, targets))
  const events = (mostEvents - otherEvents) / 2 / count - eventsOfTarget
  const calls = Math.floor(events / eventsOfCall) - otherCalls
  const waits = Math.min(20, Math.floor(calls / 3))
  return { waits, steps: Math.min(50, calls - waits) }
}

const longestSeconds = 3600

/**
 * The seconds until the next call of a target; undefined after the last one. Steps without a wait follow in a row,
 * which the workflow calls once. The waits for the cloud grow to an hour during the first half of the budget. So each
 * of 10 targets may take a day, and each of 50 targets five hours. Snapshots of large disks take hours.
 */
export function pauseOf(
  { steps }: Pick<Target.Info, 'steps'>,
  waitSeconds: number,
  targets: number,
): number | undefined {
  const most = budgetOf(targets).steps
  if (steps >= most) return undefined
  if (waitSeconds === 0) return 0
  const grown = Math.floor(longestSeconds ** Math.min(1, steps / (0.55 * most)))
  return Math.min(longestSeconds, Math.max(1, Math.ceil(waitSeconds), grown))
}

/** Of a step that goes on, for the budget. */
export const countOf = (seconds: number): 0 | 1 => (seconds === 0 ? 0 : 1)

/** All waits for a slot together. */
const slotSeconds = 900

/** The seconds until a target asks for a slot of its account again; undefined after the last time. */
export function slotPauseOf({ steps }: Pick<Target.Info, 'steps'>, targets: number): number | undefined {
  const { waits } = budgetOf(targets)
  return steps >= waits ? undefined : Math.ceil(slotSeconds / waits)
}
