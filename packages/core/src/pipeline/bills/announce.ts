import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { event } from '../../effects/relay.ts'
import * as Import from '../../bills/import.ts'

export const Input = z.object({ importId: z.string() })

/** Publishes that costs have landed, by an event that the import's record carries. At least once: the event's id is the import's. */
export async function run(ctx: Context, { importId }: z.output<typeof Input>): Promise<{ announced: string }> {
  const { changes = [], lakeVersion = 0 } = await Import.get(ctx, importId)
  const id = `cost.landed/${importId}`
  const partitions = changes.map(({ partition, version, rows }) => ({ partition, version, rows }))
  const landed = event(ctx, 'cost.landed', { importId, lakeVersion, partitions }, id)
  await ctx.tables.imports.update(ctx.orgId, importId, (info) => ({ ...info }), [landed])
  return { announced: id }
}
