import type { Context } from '../effects/context.ts'
import type { Edit } from '../effects/tables.ts'
import type { ActionName } from '../kernel/action.ts'
import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { ActionParameters } from '../effects/acting.ts'
import type { Measured } from '../recommendations/recommendation.ts'
import type { ExecutionRequest, RequestedResource } from './request-input.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    policyExecutions: Table<Info>
    /** The execution that a repeated request means. */
    executionKeys: Table<{ id: string; executionId: string; expiresAt: number }>
  }
}

/** In their order. A rollback may follow each end after which something is changed. */
export const liveStatuses = ['planning', 'awaiting_approval', 'waiting', 'executing', 'rolling_back'] as const
export const endStatuses = [
  'planned',
  'nothing_to_do',
  'rejected',
  'expired',
  'canceled',
  'stopped',
  'succeeded',
  'partial',
  'failed',
  'rolled_back',
] as const
export const statuses = [...liveStatuses, ...endStatuses] as const
export type Status = (typeof statuses)[number]

export interface Approval {
  by: string
  at: string
  /** `mail`: by the link of a mail. */
  via: 'api' | 'mail'
  /** The hash that the approver saw. */
  planHash: string
}

/** One carrying out of one action on some resources; kept for 400 days after its request. */
export interface Info {
  id: string
  status: Status
  cause: ExecutionRequest['cause']
  policyId?: string
  recommendationId?: string
  action: ActionName
  parameters: ActionParameters
  /** The first of those that matched. */
  resources: RequestedResource[]
  matched: number
  fleetSize: number
  safetyControls: ExecutionRequest['safetyControls']
  dryRun: boolean
  requestedBy: string
  requestedAt: string
  /** ISO time: not before it. */
  scheduledFor?: string
  /** Of the frozen targets, with their states before and after. */
  planHash?: string
  targets: number
  approvalsNeeded: number
  /** ISO time: without the approvals the execution expires. */
  approveBy?: string
  approvals: Approval[]
  rejection?: { by: string; at: string; reason: string }
  /** Of the task that waits for the approval. */
  token?: string
  /**
   * Two failures in a row, or a failed verification: no further target is begun. `counted`: the numbers of the targets
   * whose failures are in it.
   */
  breaker: { failuresInARow: number; isOpen: boolean; counted?: number[] }
  /** No further target is begun. */
  cancelRequested?: { by: string; at: string }
  /** `number`: how often it was asked for. */
  rollback?: { by: string; at: string; reason: string; number: number }
  startedAt?: string
  endedAt?: string
  /** Why it ended so, in a sentence. */
  outcome?: string
  measured: Measured[]
  /** Lines with their ISO time, the oldest first. */
  log: string[]
  expiresAt: number
}

const mostLines = 200

export const isLive = ({ status }: Pick<Info, 'status'>): boolean => liveStatuses.some((live) => live === status)

/** Throws Fault `not_found`. */
export async function load(ctx: Context, id: string): Promise<Info> {
  const found = await ctx.tables.policyExecutions.get(ctx.orgId, id)
  if (!found || found.expiresAt <= ctx.now().getTime() / 1000)
    throw new Fault('not_found', `There is no execution ${id}.`)
  return found
}

export function withLine(log: readonly string[], at: Date, line: string): string[] {
  return [...log, `${at.toISOString()} ${line}`].slice(-mostLines)
}

/**
 * Moves an execution from one of some statuses, with a line of its log; undefined if it has another status, as after a
 * repetition.
 */
export async function move(
  ctx: Context,
  id: string,
  from: readonly Status[],
  { line, events = [], ...change }: Partial<Info> & { line: string; events?: readonly Event[] },
): Promise<Info | undefined> {
  const edit: Edit<Info, Info> = (info) => {
    if (!from.includes(info.status)) return undefined
    return { ...info, ...change, log: withLine(info.log, ctx.now(), line) }
  }
  const { before, after } = await ctx.tables.policyExecutions.update(ctx.orgId, id, edit, events)
  return before === after ? undefined : after
}
