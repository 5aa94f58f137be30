import * as z from 'zod'
import * as Execution from '../executions/execution.ts'
import { known, request } from '../executions/request.ts'
import type { RequestedResource } from '../executions/request-input.ts'
import { SafetyControls } from '../executions/safety.ts'
import type { Context } from '../effects/context.ts'
import { change } from '../guard/command.ts'
import * as Actor from '../kernel/actor.ts'
import { Time } from '../kernel/calendar.ts'
import type { Event } from '../kernel/event.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { deedOf } from './deed.ts'
import * as Dismissals from './dismissals.ts'
import { loadFound } from './load.ts'
import type { Info } from './recommendation.ts'
import { Preview, previewOf } from './shown.ts'

const Applying = z.strictObject({
  id: z.string().min(1).max(256),
  schedule: Time.optional().describe('When to carry it out. Default: at once.'),
  approvalRequired: z
    .boolean()
    .default(true)
    .describe(
      'Without it, the permission execute:policies is needed, and an action that cannot be undone is approved anyway.',
    ),
  dryRun: z.boolean().default(false).describe('Plans in the cloud, and changes nothing.'),
})

export const Applied = z.object({
  executionId: z.string().describe('GET /v1/executions/{id} shows its plan, and what comes of it.'),
  status: z.enum(['queued', 'executing', 'completed', 'failed']),
  estimatedCompletion: z.string().nullable(),
  plan: Preview.describe('As the inventory and the bills know it; the execution reads the cloud again.'),
})

/** An execution that has not ended is not made twice: Fault `conflict` names it. */
export const apply = change(
  'recommendations.apply',
  Applying,
  'request:remediation',
  async (ctx, { id, schedule, approvalRequired, dryRun }, note): Promise<z.infer<typeof Applied>> => {
    if (!approvalRequired) Actor.require(ctx.actor, 'execute:policies')
    const info = await loadFound(ctx, id)
    note({ resourceType: 'recommendation', resourceId: id, after: { dryRun, approvalRequired } })
    const key = `${id}/${ctx.newId('app')}`
    if (!(await known(ctx, key))) await requireFree(ctx, info)
    const deed = await deedNow(ctx, info)
    const safetyControls = SafetyControls.parse({
      dryRunFirst: false,
      requireApproval: approvalRequired,
      maxResourcesPerExecution: 1,
    })
    const { executionId } = await request(ctx, {
      key,
      cause: { kind: 'recommendation', recommendationId: id },
      action: deed,
      resources: resourceOf(info),
      fleetSize: 1,
      safetyControls,
      dryRun,
      requestedBy: ctx.actor.id,
      ...(schedule !== undefined && { scheduledFor: schedule }),
    })
    if (!dryRun)
      await ctx.tables.recommendations.update(ctx.orgId, id, (row) => ({ ...row, status: 'scheduled', executionId }))
    const plan = previewOf(info)
    return { executionId, status: 'queued', estimatedCompletion: schedule ?? null, plan }
  },
)

async function deedNow(ctx: Context, info: Info & { found: NonNullable<Info['found']> }) {
  const [dismissal] = Dismissals.covering(await Dismissals.held(ctx), Dismissals.advised(info))
  if (dismissal) throw new Fault('conflict', 'The recommendation is dismissed: reopen it before.')
  const deed = deedOf(info)
  if (deed) return deed
  if (info.rule === 'aws-instance-off-hours')
    throw new Fault(
      'conflict',
      'A schedule is a policy. Give the instance the tag Schedule=office-hours, and make the policies of the ' +
        'template off-hours: POST /v1/policies/templates/off-hours, or npm start -- policies create off-hours.',
    )
  throw new Fault(
    'conflict',
    `This one has to be followed by hand: ${info.found.change.action}. The recommendation is completed when the ` +
      'inventory shows the change.',
  )
}

async function requireFree(ctx: Context, { id, status, executionId }: Info): Promise<void> {
  if (status === 'active') return
  if (status !== 'scheduled' || executionId === undefined)
    throw new Fault('conflict', `The recommendation is ${status}.`)
  try {
    const execution = await Execution.load(ctx, executionId)
    if (!Execution.isLive(execution)) return
  } catch (error) {
    if (isFault(error, 'not_found')) return
    throw error
  }
  throw new Fault('conflict', `The execution ${executionId} is following ${id} already.`)
}

function resourceOf({ cloud, accountId, region, resources: [resource] }: Info): RequestedResource[] {
  if (!resource) return []
  const { id, aliases = [], kind, name = null, cost, currency } = resource
  const monthlyCost = cost !== undefined && currency !== undefined ? { amount: cost, currency } : null
  return [{ provider: cloud, accountId, id, aliases, kind, name, region, zone: null, monthlyCost }]
}

/** A recommendation whose execution changed nothing is open again; a done one is completed by the next inventory. */
export async function reopenUnlessDone(
  ctx: Context,
  { data: { executionId, status } }: { data: Event<'execution.ended'>['data'] },
): Promise<void> {
  const execution = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
  const id = execution?.recommendationId
  if (id === undefined || status === 'succeeded') return
  await ctx.tables.recommendations.upsert(ctx.orgId, id, (row) => {
    if (row?.status !== 'scheduled' || row.executionId !== executionId) return undefined
    const { executionId: _, ...open } = row
    return { ...open, status: 'active' }
  })
}
