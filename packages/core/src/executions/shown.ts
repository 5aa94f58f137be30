import * as z from 'zod'
import { actions } from '../actions/actions.ts'
import type { Context } from '../effects/context.ts'
import { actionNames, undoKinds } from '../kernel/action.ts'
import { clouds } from '../kernel/cloud.ts'
import { resourceKinds } from '../kernel/resource.ts'
import { confirmationsOf } from './confirmation.ts'
import { type Info, isLive, statuses } from './execution.ts'
import { Trigger } from './request-input.ts'
import { SafetyControls } from './safety.ts'
import * as Target from './target.ts'

const State = z.record(z.string(), z.unknown()).nullable()
const Deed = z.object({ by: z.string(), at: z.string() })

const results = ['success', 'failed', 'partial'] as const

export const Summary = z.object({
  id: z.string(),
  policyId: z.string().nullable(),
  recommendationId: z.string().nullable(),
  status: z.enum(results).nullable().describe('How it ended; null while it has not, and if it was to change nothing.'),
  stage: z.enum(statuses),
  outcome: z.string().nullable().describe('Why it ended so.'),
  dryRun: z.boolean(),
  action: z.object({ type: z.enum(actionNames), title: z.string(), config: z.record(z.string(), z.unknown()) }),
  trigger: Trigger.nullable(),
  requestedBy: z.string(),
  requestedAt: z.string(),
  scheduledFor: z.string().nullable(),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  planHash: z
    .string()
    .nullable()
    .describe('Of the frozen targets with their states before and after: it is what is approved.'),
  approvalsNeeded: z.int(),
  approvals: z.array(Deed.extend({ via: z.enum(['api', 'mail']), planHash: z.string() })),
  approveBy: z.string().nullable(),
  rejection: Deed.extend({ reason: z.string() }).nullable(),
  cancelRequested: Deed.nullable(),
  rollback: Deed.extend({ reason: z.string(), number: z.int() }).nullable(),
  resourcesMatched: z.int(),
  resourcesAffected: z.int().describe('On which something was changed, and which are not as before.'),
  measured: z
    .array(z.object({ at: z.string(), days: z.int(), monthly: z.string(), currency: z.string() }))
    .describe('The savings that really came, from the bills of so many days after it; exact, of 30 days.'),
  logs: z.array(z.string()),
})
export type Summary = z.infer<typeof Summary>

export const PublicTarget = z.object({
  number: z.int(),
  provider: z.enum(clouds),
  accountId: z.string(),
  resourceId: z.string(),
  resourceName: z.string().nullable(),
  kind: z.enum(resourceKinds),
  region: z.string(),
  monthlyCost: z.object({ amount: z.string(), currency: z.string() }).nullable(),
  state: z.enum(Target.states),
  reason: z.string().nullable(),
  before: State.describe('Null: it is not known.'),
  after: State.describe('Null: the resource is to be gone, or there is no plan for it.'),
  undo: z.enum(undoKinds).nullable(),
  lost: z.array(z.string()).describe('What a rollback does not bring back.'),
  losesData: z
    .string()
    .nullable()
    .describe('The data that no rollback brings back. Null: none. What the cloud does not tell counts as data.'),
  confirmAs: z
    .string()
    .nullable()
    .describe(
      'The exact text that an approval must have in `confirm`, because something is lost for ever. Null: none.',
    ),
  notes: z.array(z.string()),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  undoneAt: z.string().nullable(),
  restoredId: z.string().nullable().describe('Its new id, if a rollback had to make it again.'),
  notRestored: z.array(z.string()).nullable().describe('Fields that are not as before a rollback.'),
  logs: z.array(z.string()),
})
export type PublicTarget = z.infer<typeof PublicTarget>

export const Public = Summary.extend({
  undone: z.string().describe('How a rollback works.'),
  safetyControls: SafetyControls,
  targets: z.array(PublicTarget).describe('What is changed, in this order, and what is left out, with the reason.'),
})
export type Public = z.infer<typeof Public>

export const resultOf = ({ status }: Info): Summary['status'] => {
  if (status === 'succeeded') return 'success'
  if (status === 'partial') return 'partial'
  const isFailure = ['failed', 'rejected', 'expired', 'canceled', 'stopped', 'rolled_back'].includes(status)
  return isFailure ? 'failed' : null
}

export function summaryOf(info: Info, targets: readonly Pick<Target.Info, 'state'>[]): Summary {
  const { id, cause, action, parameters } = info
  return {
    id,
    policyId: info.policyId ?? null,
    recommendationId: info.recommendationId ?? null,
    status: resultOf(info),
    stage: info.status,
    outcome: info.outcome ?? null,
    dryRun: info.dryRun,
    action: { type: action, title: actions[action].title, config: { ...parameters } },
    trigger: cause.kind === 'policy' ? cause.trigger : null,
    requestedBy: info.requestedBy,
    requestedAt: info.requestedAt,
    scheduledFor: info.scheduledFor ?? null,
    startedAt: info.startedAt ?? null,
    completedAt: info.endedAt ?? null,
    planHash: info.planHash ?? null,
    approvalsNeeded: info.approvalsNeeded,
    approvals: info.approvals,
    approveBy: info.approveBy ?? null,
    rejection: info.rejection ?? null,
    cancelRequested: info.cancelRequested ?? null,
    rollback: info.rollback ?? null,
    resourcesMatched: info.matched,
    resourcesAffected: targets.filter((target) => Target.isBegun(target) || target.state === 'undo_failed').length,
    measured: info.measured,
    logs: info.log,
  }
}

const given = (state: Target.Info['before'] | null): PublicTarget['before'] => (state ? { ...state } : null)

function shownTarget(execution: Info, info: Target.Info, confirmAs: string | undefined): PublicTarget {
  const { target, state } = info
  return {
    number: info.number,
    provider: info.provider,
    accountId: info.accountId,
    resourceId: target.id,
    resourceName: target.name ?? null,
    kind: target.kind,
    region: target.region,
    monthlyCost: info.monthlyCost,
    // The stop switch ends the steps as well.
    state: state === 'acting' && !isLive(execution) ? 'halted' : state,
    reason: info.reason ?? null,
    before: given(info.before ?? null),
    after: given(info.after ?? null),
    undo: info.undo ?? null,
    lost: info.lost,
    losesData: info.losesData ?? null,
    confirmAs: confirmAs ?? null,
    notes: info.notes,
    startedAt: info.begunAt ?? null,
    completedAt: info.endedAt ?? null,
    undoneAt: info.undoneAt ?? null,
    restoredId: info.restoredId ?? null,
    notRestored: info.notRestored ?? null,
    logs: info.log,
  }
}

export async function publicOf(ctx: Context, info: Info): Promise<Public> {
  const targets = await Target.all(ctx, info.id)
  const texts = new Map(confirmationsOf(targets).map(({ number, text }) => [number, text]))
  return {
    ...summaryOf(info, targets),
    undone: actions[info.action].undone,
    safetyControls: info.safetyControls,
    targets: targets.map((target) => shownTarget(info, target, texts.get(target.number))),
  }
}
