import * as z from 'zod'
import type { Context } from '../../kernel/context.ts'
import * as Import from '../../bills/import.ts'

export const Input = z.object({ importId: z.string() })

/** Tells everyone who listens that costs have landed. At least once: the event's id is the import's. */
export async function run(ctx: Context, { importId }: z.output<typeof Input>): Promise<{ announced: string }> {
  const { changes = [], lakeVersion = 0 } = await Import.get(ctx, importId)
  const id = `cost.landed/${importId}`
  const partitions = changes.map(({ partition, version, rows }) => ({ partition, version, rows }))
  await ctx.runtime.bus.publish({
    id,
    name: 'cost.landed',
    orgId: ctx.orgId,
    at: ctx.now().toISOString(),
    data: { importId, lakeVersion, partitions },
  })
  return { announced: id }
}
