import type { Context } from '../effects/context.ts'
import type { Level } from '../rules/index.ts'
import type { Info } from '../recommendations/recommendation.ts'

interface Given {
  id: string
  resourceId: string
  /** Without one there is not enough data. */
  saving?: string
  isAtMost?: true
  accountId?: string
  currency?: string
  risk?: Level
  foundAt?: string
}

/** Advice on a volume, in the table. */
export async function adviceIn(ctx: Pick<Context, 'tables' | 'orgId'>, given: Given): Promise<Info> {
  const { isAtMost } = given
  const { id, resourceId, saving, accountId = '1', currency = 'USD', risk = 'low', foundAt = '2026-10-31' } = given
  const row: Info = {
    id,
    status: saving === undefined ? 'insufficient_data' : 'active',
    isChosen: true,
    rule: 'aws-volume-unattached',
    finds: 'EBS volume that no instance uses',
    analyzer: 'storage_optimization',
    category: 'storage',
    cloud: 'aws',
    accountId,
    region: 'eu-west-1',
    resources: [{ id: resourceId, kind: 'volume', type: 'gp2', status: 'available', cost: '80', currency }],
    missing: saving === undefined ? ['time of creation or of detachment'] : [],
    ...(saving !== undefined && {
      found: {
        evidence: { unattachedDays: 41 },
        change: { action: 'delete, after a snapshot', from: 'available', to: 'deleted' },
        effect: 'ends',
        saving: { amount: saving, currency, basis: 'ends storage', ...(isAtMost && { isAtMost }) },
        confidence: { level: 'high', reason: 'it has been unattached for longer than the threshold' },
        risk,
        effort: 'low',
        restartNeeded: false,
        rollbackPossible: true,
        undo: 'Create the disk again from the snapshot.',
        priority: saving,
        alternatives: [],
        dependents: [],
      },
    }),
    foundAt: `${foundAt}T00:00:00.000Z`,
    updatedAt: '2026-10-31T00:00:00.000Z',
  }
  await ctx.tables.recommendations.put(ctx.orgId, row)
  return row
}
