import type { Context } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import type { Info } from './import-schema.ts'

/** All imports of a status, by the index. */
export function withStatus(ctx: Context, status: Info['status']): AsyncGenerator<Info> {
  return walk(async (page) => await ctx.tables.imports.byStatus(ctx.orgId, status, page))
}
