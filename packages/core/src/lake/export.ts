import { join } from 'node:path'
import type { Context } from '../effects/context.ts'
import type { FocusVersion } from '../effects/lake.ts'
import * as Snapshot from './snapshot.ts'

/** The CSV file of one partition. */
export interface Exported {
  path: string
  provider: string
  billingAccountId: string
  period: string
  rows: number
}

/** Writes the visible bills of one billing period (`YYYY-MM`) or of all as FOCUS CSV: one file per partition in the existing folder `dir`. */
export async function toFocus(
  ctx: Context,
  { version, dir, period }: { version: FocusVersion; dir: string; period?: string },
): Promise<Exported[]> {
  const view = await Snapshot.view(ctx)
  const exported: Exported[] = []
  const taken = new Set<string>()
  for (const snapshot of view.snapshots.filter((snapshot) => period === undefined || snapshot.period === period)) {
    const { provider, billingAccountId } = snapshot
    const path = join(
      dir,
      `${untaken(`focus-${version}_${[provider, billingAccountId, snapshot.period].map(fileName).join('_')}`, taken)}.csv`,
    )
    const rows = await ctx.runtime.lake.export(Snapshot.filesOf(ctx.orgId, view, [snapshot]), { version, path })
    exported.push({ path, provider, billingAccountId, period: snapshot.period, rows })
  }
  return exported
}

/** An account id as part of a file name: ids may be paths (Azure) and long. */
function fileName(text: string): string {
  return text
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^[-.]+|-+$/g, '')
    .slice(0, 120)
}

/** A file name that is not used yet. Two account ids may become the same name, also on disks that ignore case: the second gets a number. */
function untaken(name: string, taken: Set<string>): string {
  let found = name
  for (let number = 2; taken.has(found.toLowerCase()); number++) found = `${name}_${number}`
  taken.add(found.toLowerCase())
  return found
}
