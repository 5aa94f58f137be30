import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import * as Import from '../../bills/import.ts'

export const Input = z.object({ importId: z.string() })

/** State `Announce`: publishes `cost.landed` with a write of the import's record. Its id is the import's, so that consumers recognize a repetition. */
export async function run(ctx: Context, { importId }: z.output<typeof Input>): Promise<{ announced: string }> {
  const { changes = [], lakeVersion = 0 } = await Import.get(ctx, importId)
  const id = `cost.landed/${importId}`
  const partitions = changes.map(({ partition, version, rows }) => ({ partition, version, rows }))
  const landed = event(ctx, 'cost.landed', { importId, lakeVersion, partitions }, id)
  await ctx.tables.imports.update(ctx.orgId, importId, (info) => ({ ...info }), [landed])
  return { announced: id }
}
