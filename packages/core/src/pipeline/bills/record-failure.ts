import type { Context } from '../../kernel/context.ts'
import * as Import from '../../bills/import.ts'

export interface Input {
  importId: string
  error: { Error?: string; Cause?: string }
}

/** The end of an import that we could not carry out: its record says why. */
export async function run(ctx: Context, { importId, error }: Input): Promise<{ failed: string }> {
  const info = await Import.get(ctx, importId)
  const cause = `${error.Error ?? 'Error'}: ${error.Cause ?? 'unknown'}`
  ctx.log.error('import failed', { importId, error: cause })
  const reason =
    'The import could not be carried out because of a fault of ours. What was visible before is unchanged. Import the files again.'
  await ctx.runtime.tables.imports.put(ctx.orgId, {
    ...info,
    status: 'failed',
    reason,
    endedAt: ctx.now().toISOString(),
  })
  return { failed: importId }
}
