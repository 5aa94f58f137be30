import { createHash } from 'node:crypto'
import { type Context, expiryIn } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { Fault, isWritten } from '../kernel/fault.ts'
import * as Audit from '../guard/audit.ts'
import { parse } from '../guard/command.ts'
import * as Organization from '../organization/organization.ts'
import { type Info, withLine } from './execution.ts'
import { mostTargets } from './safety.ts'
import { ExecutionRequest, type RequestedExecution } from './request-input.ts'

const keptSeconds = 400 * 24 * 3600

/**
 * Records an execution, which then plans at once. The same key answers the first execution again. Throws Fault
 * `conflict` for a user while the organization has stopped all executions.
 */
export async function request(ctx: Context, given: ExecutionRequest): Promise<RequestedExecution> {
  const input = parse(ExecutionRequest, given)
  const requestedBy = await ownerOf(ctx, input.requestedBy)
  const { stopped } = await Organization.load(ctx)
  if (stopped && ctx.actor.kind !== 'system' && !input.dryRun)
    throw new Fault(
      'conflict',
      `Executions are stopped since ${stopped.at}: ${stopped.reason}. An admin can resume them.`,
    )
  const executionId = await idFor(ctx, input.key)
  const insert = async (traced: Context) =>
    await isWritten(
      traced.tables.policyExecutions.insert(ctx.orgId, executionOf(ctx, executionId, { ...input, requestedBy }), [
        event(ctx, 'execution.requested', { executionId }, `evt_${executionId}`),
      ]),
    )
  // What a person requests is audited as the person's operation.
  if (ctx.actor.kind === 'system')
    await Audit.around(ctx, 'executions.request', insert, { resourceType: 'execution', resourceId: executionId })
  else await insert(ctx)
  const found = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
  return { executionId, status: found?.status ?? 'planning' }
}

/** The user who made an API key requests what the key requests, and must not approve it. */
async function ownerOf(ctx: Context, id: string): Promise<string> {
  return (await ctx.tables.apiKeys.get(ctx.orgId, id))?.createdBy ?? id
}

/** The execution that was requested with this key before. */
export async function known(ctx: Context, key: string): Promise<string | undefined> {
  return (await ctx.tables.executionKeys.get(ctx.orgId, keyId(key)))?.executionId
}

const keyId = (key: string): string => createHash('sha256').update(key).digest('hex')

/** The id that the first request with this key chose. */
async function idFor(ctx: Context, key: string): Promise<string> {
  const id = keyId(key)
  const chosen = { id, executionId: ctx.newId('exe'), expiresAt: expiryIn(ctx, keptSeconds) }
  const { after } = await ctx.tables.executionKeys.upsert(ctx.orgId, id, (found) => (found ? undefined : chosen))
  return after?.executionId ?? chosen.executionId
}

function executionOf(ctx: Context, id: string, input: ExecutionRequest): Info {
  const { cause, action, resources, fleetSize, safetyControls, dryRun, requestedBy, scheduledFor } = input
  const because = cause.kind === 'policy' ? `by the policy ${cause.policyName}` : `for ${cause.recommendationId}`
  return {
    id,
    status: 'planning',
    cause,
    ...(cause.kind === 'policy' ? { policyId: cause.policyId } : { recommendationId: cause.recommendationId }),
    action: action.name,
    parameters: action.parameters,
    // A plan needs some more than the most that it may take, because some are left out.
    resources: resources.slice(0, 2 * mostTargets),
    matched: resources.length,
    fleetSize,
    safetyControls,
    dryRun,
    requestedBy,
    requestedAt: ctx.now().toISOString(),
    ...(scheduledFor !== undefined && { scheduledFor }),
    targets: 0,
    approvalsNeeded: 0,
    approvals: [],
    breaker: { failuresInARow: 0, isOpen: false },
    measured: [],
    log: withLine(
      [],
      ctx.now(),
      `Requested ${because}, for ${resources.length === 1 ? 'one resource' : `${resources.length} resources`}.`,
    ),
    expiresAt: expiryIn(ctx, keptSeconds),
  }
}
