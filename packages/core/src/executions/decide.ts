import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { change } from '../guard/command.ts'
import { timeText } from '../kernel/calendar.ts'
import { Fault, invalid } from '../kernel/fault.ts'
import { byId } from '../kernel/name.ts'
import * as Organization from '../organization/organization.ts'
import { confirmationsOf } from './confirmation.ts'
import * as Execution from './execution.ts'
import { type Public, publicOf } from './shown.ts'
import { mended } from './sweep.ts'
import * as Target from './target.ts'

const ById = byId("The execution's id.")

/** What an approver says. */
export interface Decision {
  userId: string
  via: Execution.Approval['via']
  planHash: string
  /** `confirmAs` of each resource that loses something for ever, or its id. */
  confirm: readonly string[]
}

/**
 * Adds an approval, once for each user; the last one that is needed lets the execution go on. Throws Fault `conflict`
 * for another plan or a decided execution, `forbidden` for the requester, `invalid` for a missing confirmation.
 */
export async function approved(ctx: Context, id: string, { userId, via, planHash, confirm }: Decision): Promise<void> {
  const execution = await Execution.load(ctx, id)
  if (execution.approvals.some((one) => one.by === userId && one.planHash === planHash)) return
  requireWaiting(execution, ctx.now())
  if (planHash !== execution.planHash)
    throw new Fault(
      'conflict',
      'This is not the hash of the plan. Read the execution again, and approve what it shows.',
    )
  await requireOther(ctx, execution, userId)
  const typed = new Set(confirm.map((name) => name.trim()))
  const missing = confirmationsOf(await Target.all(ctx, id)).filter(
    ({ resourceId, text }) => !typed.has(resourceId) && !typed.has(text),
  )
  if (missing.length > 0) {
    const texts = missing.map(({ text }) => text).join(', ')
    throw invalid('confirm', 'The approval', `must have the exact text of each loss for ever: ${texts}`)
  }
  const decided = event(ctx, 'execution.decided', { executionId: id })
  const { before, after } = await ctx.tables.policyExecutions.update(
    ctx.orgId,
    id,
    (info) => {
      if (info.status !== 'awaiting_approval' || info.planHash !== planHash) return undefined
      if (info.approvals.some(({ by }) => by === userId)) return undefined
      const approvals = [...info.approvals, { by: userId, at: ctx.now().toISOString(), via, planHash }]
      const isEnough = approvals.length >= info.approvalsNeeded
      const line = `Approved by ${userId} (${approvals.length} of ${info.approvalsNeeded}).`
      const log = Execution.withLine(info.log, ctx.now(), line)
      return { ...info, approvals, log, ...(isEnough && { status: 'waiting' as const }) }
    },
    // A subscriber of an approval that is not the last finds nothing to do.
    [decided],
  )
  if (before === after && !after.approvals.some(({ by }) => by === userId))
    throw new Fault('conflict', `The execution is ${after.status} already.`)
}

function requireWaiting({ status, approveBy = '' }: Execution.Info, now: Date): void {
  if (status === 'awaiting_approval' && approveBy !== '' && approveBy <= now.toISOString())
    throw new Fault(
      'conflict',
      `The time to decide ended at ${timeText(approveBy)}. Request it again if it is still wanted.`,
    )
  if (status === 'awaiting_approval') return
  throw new Fault('conflict', `The execution does not wait for an approval: it is ${status}.`)
}

async function requireOther(ctx: Context, { requestedBy }: Execution.Info, userId: string): Promise<void> {
  if (requestedBy !== userId) return
  const { approvalRules } = await Organization.load(ctx)
  const { total } = await ctx.tables.users.select(ctx.orgId, { where: { isActive: true }, limit: 0 })
  if (approvalRules.allowSelfApproval && total <= 1) return
  throw new Fault(
    'forbidden',
    'Nobody approves their own request. Ask another person with the permission approve:remediation. An organization ' +
      'with one user can allow it: PUT /v1/organization with approval_rules.allow_self_approval.',
  )
}

function requireUser({ actor }: Context): void {
  if (actor.kind !== 'user')
    throw new Fault('forbidden', 'An API key cannot approve, reject or roll back. Sign in as a user.')
}

const Approving = ById.extend({
  planHash: z.string().min(1).max(128).describe('Of the plan that you saw: `plan_hash` of the execution.'),
  confirm: z
    .array(z.string().min(1).max(1024))
    .max(50)
    .default([])
    .describe('`confirm_as` of each resource that loses something for ever. Its id is accepted too.'),
})

export const approve = change(
  'executions.approve',
  Approving,
  'approve:remediation',
  async (ctx, { id, planHash, confirm }, note): Promise<Public> => {
    requireUser(ctx)
    await approved(ctx, id, { userId: ctx.actor.id, via: 'api', planHash, confirm })
    const execution = await Execution.load(ctx, id)
    note({ resourceType: 'execution', resourceId: id, after: { planHash, status: execution.status } })
    return await publicOf(ctx, execution)
  },
)

export async function rejected(ctx: Context, id: string, userId: string, reason: string): Promise<void> {
  const execution = await Execution.load(ctx, id)
  if (execution.rejection?.by === userId && execution.rejection.reason === reason) return
  requireWaiting(execution, ctx.now())
  const outcome = `Rejected by ${userId}: ${reason}`
  const moved = await Execution.move(ctx, id, ['awaiting_approval'], {
    status: 'rejected',
    rejection: { by: userId, at: ctx.now().toISOString(), reason },
    endedAt: ctx.now().toISOString(),
    outcome,
    line: outcome,
    events: [
      event(ctx, 'execution.decided', { executionId: id }),
      event(ctx, 'execution.ended', { executionId: id, status: 'rejected' }, `evt_${id}_end`),
    ],
  })
  if (!moved) throw new Fault('conflict', 'Somebody else has decided meanwhile. Read the execution again.')
}

const Reason = z.string().min(1).max(2000)

export const reject = change(
  'executions.reject',
  ById.extend({ reason: Reason }),
  'approve:remediation',
  async (ctx, { id, reason }, note): Promise<Public> => {
    requireUser(ctx)
    await rejected(ctx, id, ctx.actor.id, reason)
    note({ resourceType: 'execution', resourceId: id, after: { status: 'rejected', reason } })
    return await publicOf(ctx, await Execution.load(ctx, id))
  },
)

/** What is begun is finished; nothing else is begun. */
export const cancel = change(
  'executions.cancel',
  ById,
  'request:remediation',
  async (ctx, { id }, note): Promise<Public> => {
    const execution = await Execution.load(ctx, id)
    if (execution.cancelRequested?.by === ctx.actor.id) return await publicOf(ctx, execution)
    const by = { by: ctx.actor.id, at: ctx.now().toISOString() }
    const outcome = `Canceled by ${ctx.actor.id}. Nothing was changed.`
    const ended = await Execution.move(ctx, id, ['planning', 'awaiting_approval', 'waiting'], {
      status: 'canceled',
      cancelRequested: by,
      endedAt: by.at,
      outcome,
      line: outcome,
      events: [
        event(ctx, 'execution.decided', { executionId: id }),
        event(ctx, 'execution.ended', { executionId: id, status: 'canceled' }, `evt_${id}_end`),
      ],
    })
    if (!ended) {
      const line = `Canceled by ${ctx.actor.id}: what is begun is finished.`
      const asked = await Execution.move(ctx, id, ['executing'], { cancelRequested: by, line })
      if (!asked) throw new Fault('conflict', `The execution is ${(await Execution.load(ctx, id)).status} already.`)
    }
    note({ resourceType: 'execution', resourceId: id, after: { canceled: true } })
    return await publicOf(ctx, await Execution.load(ctx, id))
  },
)

const returnable = ['succeeded', 'partial', 'failed', 'stopped'] as const

/** Why an execution cannot be rolled back now, and what to do. */
function notReturnable({ status, rollback: asked }: Execution.Info): string {
  const by = asked ? `, asked for by ${asked.by} at ${timeText(asked.at)}` : ''
  switch (status) {
    case 'rolling_back':
      return `A rollback is going on${by}. Wait for its end.`
    case 'rolled_back':
      return `It is rolled back already${by}. To make the change again, request a new execution.`
    case 'planning':
    case 'awaiting_approval':
    case 'waiting':
      return `Nothing is changed yet: it is ${status}. Cancel it instead.`
    case 'executing':
      return 'It is executing. Cancel it, or stop all executions, and roll it back when it has ended.'
    case 'planned':
    case 'nothing_to_do':
    case 'rejected':
    case 'expired':
    case 'canceled':
      return `It has changed nothing: it is ${status}. There is nothing to roll back.`
    case 'succeeded':
    case 'partial':
    case 'failed':
    case 'stopped':
      return 'Somebody else has changed the execution meanwhile. Read it again.'
    default:
      return status satisfies never
  }
}

/**
 * Takes back all that was done, the last one first. One person with the right to approve is enough, the requester too:
 * it leads back to the recorded states, and has to be quick.
 */
export const rollback = change(
  'executions.rollback',
  ById.extend({ reason: Reason.default('No reason was given.') }),
  'approve:remediation',
  async (ctx, { id, reason }, note): Promise<Public> => {
    requireUser(ctx)
    const execution = await mended(ctx, await Execution.load(ctx, id))
    const isAsked = execution.rollback?.by === ctx.actor.id && execution.rollback.reason === reason
    if (execution.status === 'rolling_back' && isAsked) return await publicOf(ctx, execution)
    const { stopped } = await Organization.load(ctx)
    if (stopped) throw new Fault('conflict', `Executions are stopped since ${stopped.at}. An admin can resume them.`)
    if (!returnable.some((status) => status === execution.status)) throw new Fault('conflict', notReturnable(execution))
    const targets = await Target.all(ctx, id)
    if (!targets.some(Target.isReturnable))
      throw new Fault('conflict', 'Nothing of it can be taken back: it has changed nothing, or nothing with an undo.')
    const number = (execution.rollback?.number ?? 0) + 1
    const by = { by: ctx.actor.id, at: ctx.now().toISOString(), reason, number }
    const moved = await Execution.move(ctx, id, returnable, {
      status: 'rolling_back',
      rollback: by,
      line: `A rollback was asked for by ${ctx.actor.id}: ${reason}`,
      events: [event(ctx, 'rollback.requested', { executionId: id })],
    })
    if (!moved) throw new Fault('conflict', notReturnable(await Execution.load(ctx, id)))
    note({ resourceType: 'execution', resourceId: id, after: { status: 'rolling_back', reason } })
    return await publicOf(ctx, moved)
  },
)
