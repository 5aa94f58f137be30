import { isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'
import type { LakeFiles, Queries } from '../effects/lake.ts'

export type ExcludedCosts = Queries['excludedCosts']['row']

/** Account ids are spelled as they were connected. */
export async function excludedCosts(ctx: Context, lake: LakeFiles): Promise<ExcludedCosts[]> {
  if (lake.excluded.length === 0 || lake.files.cost_rollup.length === 0) return []
  const known = (named: string) => lake.excluded.find(({ accountId }) => isSameAccount(named, accountId))?.accountId
  const rows = await ctx.runtime.lake.query('excludedCosts', lake, {})
  return rows
    .map((row) => ({ ...row, accountId: known(row.accountId) ?? row.accountId }))
    .toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
}
