import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import * as Usage from '../../organization/usage.ts'

/** The import, and the error as Step Functions describes it. */
export const Input = z.object({
  importId: z.string(),
  error: z.object({ Error: z.string().optional(), Cause: z.string().optional() }),
})

/** State `RecordFailure`: ends an import that failed by a fault of the product. An import that has ended stays as it is. */
export async function run(ctx: Context, { importId, error }: z.output<typeof Input>): Promise<{ failed: string }> {
  const cause = `${error.Error ?? 'Error'}: ${error.Cause ?? 'unknown'}`
  ctx.log.error('import failed', { importId, error: cause })
  const { snapshots } = await Snapshot.view(ctx)
  const visible = snapshots.some(({ snapshotId }) => snapshotId === importId)
    ? 'Its costs are visible already, but the import did not end.'
    : 'The visible costs are unchanged.'
  const reason = `The import failed because of an error in the product. ${visible} Import the files again.`
  await ctx.tables.imports.update(ctx.orgId, importId, (info) =>
    info.status === 'running' ? { ...info, status: 'failed', reason, endedAt: ctx.now().toISOString() } : undefined,
  )
  await Usage.end(ctx, importId, true)
  return { failed: importId }
}
