import * as z from 'zod'
import * as Import from '../../bills/import.ts'
import type { Context } from '../../effects/context.ts'

/** The error as Step Functions describes it. */
export const Input = z.object({
  importId: z.string(),
  error: z.object({ Error: z.string().optional(), Cause: z.string().optional() }),
})

/** State `RecordFailure`: ends an import that failed by an error of the product. */
export async function run(ctx: Context, { importId, error }: z.output<typeof Input>): Promise<{ failed: string }> {
  const cause = `${error.Error ?? 'Error'}: ${error.Cause ?? 'unknown'}`
  ctx.log.error('import failed', { importId, error: cause })
  await Import.fail(ctx, importId)
  return { failed: importId }
}
