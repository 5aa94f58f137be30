import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import * as Import from '../../bills/import.ts'

/** The import, and the error as Step Functions describes it. */
export const Input = z.object({
  importId: z.string(),
  error: z.object({ Error: z.string().optional(), Cause: z.string().optional() }),
})

/** State `RecordFailure`: ends an import that failed by a fault of the product. */
export async function run(ctx: Context, { importId, error }: z.output<typeof Input>): Promise<{ failed: string }> {
  const info = await Import.get(ctx, importId)
  const cause = `${error.Error ?? 'Error'}: ${error.Cause ?? 'unknown'}`
  ctx.log.error('import failed', { importId, error: cause })
  const reason =
    'The import failed because of an error in the product. The visible costs are unchanged. Import the files again.'
  await ctx.tables.imports.put(ctx.orgId, {
    ...info,
    status: 'failed',
    reason,
    endedAt: ctx.now().toISOString(),
  })
  return { failed: importId }
}
