import type { Context } from '../effects/context.ts'
import type { Compared } from '../effects/lake.ts'
import { filesByDataset } from '../kernel/partition.ts'
import type * as Snapshot from '../lake/snapshot.ts'

const dayMs = 24 * 3600 * 1000
const keptDays = 90
// A region without resources is read once a day.
const unseenMs = 25 * 3600 * 1000
// The event stays in the item of the head until it is published.
const mostBytes = 8000

/** What the later inventory (a local Parquet file) changes; `path` has all changes of the last months. */
export async function changesBetween(ctx: Context, before: Snapshot.Info<'inventory'>, after: string, at: string) {
  const { resources, resource_changes: changes } = filesByDataset([before])
  const earlier = (time: string, ms: number) => new Date(Date.parse(time) - ms).toISOString()
  const path = `${after}.changes`
  const compared = await ctx.runtime.lake.compareResources({
    orgId: ctx.orgId,
    before: resources,
    after,
    at,
    foundBefore: earlier(before.takenAt, unseenMs),
    changes,
    since: earlier(at, keptDays * dayMs),
    path,
  })
  return { isSame: compared.isSame, rows: compared.rows, path, named: namedIn(compared) }
}

/** As many ids as the event may have. */
function namedIn({ counts, resources }: Compared) {
  let bytes = 0
  const named = resources.filter((one) => (bytes += Buffer.byteLength(JSON.stringify(one))) <= mostBytes)
  return { counts, resources: named }
}
