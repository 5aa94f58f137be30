import { join } from 'node:path'
import type { Context } from '../effects/context.ts'
import type { FocusVersion } from '../effects/lake.ts'
import * as Snapshot from './snapshot.ts'

export interface Exported {
  path: string
  provider: string
  billingAccountId: string
  period: string
  rows: number
}

/** Of a billing period, or all; one CSV per partition. */
export async function toFocus(
  ctx: Context,
  { version, dir, period }: { version: FocusVersion; dir: string; period?: string | undefined },
): Promise<Exported[]> {
  const view = await Snapshot.view(ctx)
  const exported: Exported[] = []
  const taken = new Set<string>()
  for (const snapshot of view.snapshots.filter((snapshot) => period === undefined || snapshot.period === period)) {
    const { provider, billingAccountId } = snapshot
    const parts = [provider, billingAccountId, snapshot.period].map(fileName)
    const path = join(dir, `${untaken(`focus-${version}_${parts.join('_')}`, taken)}.csv`)
    const rows = await ctx.runtime.lake.export(Snapshot.filesOf(ctx.orgId, view, [snapshot]), { version, path })
    exported.push({ path, provider, billingAccountId, period: snapshot.period, rows })
  }
  return exported
}

/** Ids may be paths (Azure) and long. */
function fileName(text: string) {
  return text
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^[-.]+|-+$/g, '')
    .slice(0, 120)
}

/** Also on disks that ignore case. */
function untaken(name: string, taken: Set<string>) {
  let found = name
  for (let number = 2; taken.has(found.toLowerCase()); number++) found = `${name}_${number}`
  taken.add(found.toLowerCase())
  return found
}
