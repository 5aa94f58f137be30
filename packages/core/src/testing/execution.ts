import type { Context } from '../effects/context.ts'
import type { Info } from '../executions/execution.ts'
import { SafetyControls } from '../executions/safety.ts'
import { type Info as Target, resourceOf, targetId } from '../executions/target.ts'

const id = 'exe_01jf3m8x5cq2w7n4t6v9b0d1e2'
const expiresAt = 9_999_999_999

/** An execution that deletes the disk `vol-1` with the name `old-data`, planned, in the tables. */
export async function executionIn(
  { tables, orgId }: Pick<Context, 'tables' | 'orgId'>,
  given: Partial<Info> = {},
  givenTarget: Partial<Target> = {},
): Promise<Info & { planHash: string }> {
  const info = {
    id,
    status: 'awaiting_approval' as const,
    cause: { kind: 'recommendation' as const, recommendationId: 'rec_one' },
    recommendationId: 'rec_one',
    action: 'delete-volume' as const,
    parameters: {},
    resources: [],
    matched: 1,
    fleetSize: 1,
    safetyControls: SafetyControls.parse({}),
    dryRun: false,
    requestedBy: 'usr_one',
    requestedAt: '2026-11-23T08:00:00.000Z',
    planHash: 'a'.repeat(64),
    targets: 1,
    approvalsNeeded: 1,
    approveBy: '2026-11-30T08:00:00.000Z',
    approvals: [],
    breaker: { failuresInARow: 0, isOpen: false },
    measured: [],
    log: ['2026-11-23T08:00:00.000Z Requested for rec_one, for 1 resources.'],
    expiresAt,
    ...given,
  }
  const planned = {
    id: targetId(info.id, 1),
    number: 1,
    provider: 'aws' as const,
    accountId: '123456789012',
    target: { id: 'vol-1', kind: 'volume' as const, region: 'eu-west-1', name: 'old-data' },
    monthlyCost: { amount: '59.5', currency: 'USD' },
    state: 'planned' as const,
    before: { State: 'available' },
    after: null,
    undo: 'partial' as const,
    lost: ['the id of the volume'],
    notes: ['The snapshot costs about 25 USD a month.'],
    memory: {},
    misses: 0,
    steps: 0,
    log: [],
    expiresAt,
    ...givenTarget,
  }
  const { provider, accountId, target } = planned
  await tables.policyExecutions.put(orgId, info)
  await tables.executionTargets.put(orgId, {
    ...planned,
    resource: resourceOf({ provider, accountId, id: target.id }),
  })
  return info
}
