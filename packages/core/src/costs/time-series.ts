import type { Context } from '../effects/context.ts'
import type { LakeFiles } from '../effects/lake.ts'
import type { DailyTotal } from '../effects/time-series.ts'
import { filesOf, head, type Info, isVisible, pointers, versionsOf } from '../lake/snapshot.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** The version of each partition that the time series has. */
    timeSeriesWrites: Table<{ id: string; lakeVersion: number }>
  }
}

/** Writes the daily totals of each partition whose version is newer than the one written last; idempotent. */
export async function write(ctx: Context): Promise<void> {
  const { timeSeriesWrites } = ctx.tables
  const [{ excluded }, current, known] = await Promise.all([head(ctx), pointers(ctx), timeSeriesWrites.all(ctx.orgId)])
  const written = new Map(known.map(({ id, lakeVersion }) => [id, lakeVersion]))
  for (const bill of current as Info[]) {
    const { partition: id, lakeVersion } = bill
    const last = written.get(id) ?? 0
    if (lakeVersion <= last) continue
    await ctx.runtime.timeSeries.write(await totalsOf(ctx, bill, last, excluded))
    await timeSeriesWrites.upsert(ctx.orgId, id, (found) => ({
      id,
      lakeVersion: Math.max(found?.lakeVersion ?? 0, lakeVersion),
    }))
  }
}

/** Points cannot be deleted: what a replaced version had, and the bill has no more, becomes 0. */
async function totalsOf(ctx: Context, bill: Info, last: number, excluded: LakeFiles['excluded']) {
  const totals = new Map<string, DailyTotal>()
  const { versions } = await versionsOf(ctx, bill)
  for (const version of versions.filter((each) => each.lakeVersion >= last)) {
    const { orgId, files } = filesOf(ctx.orgId, { lakeVersion: 0, at: '', snapshots: [version], excluded: [] })
    const isCurrent = version.snapshotId === bill.snapshotId && isVisible(version)
    for (const row of await ctx.runtime.lake.query('dailyTotals', { orgId, files, excluded }, {})) {
      const { provider, account, currency, day, billed, effective } = row
      const names = { provider, account, service: row.service ?? '(none)', currency }
      const dimensions = { organization: ctx.orgId, ...names, partition: bill.partition }
      const costs = isCurrent ? { billed, effective } : { billed: '0', effective: '0' }
      totals.set(JSON.stringify([names, day]), { dimensions, day, ...costs, version: bill.lakeVersion })
    }
  }
  return [...totals.values()]
}
