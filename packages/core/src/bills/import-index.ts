import type { Context } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import type { Stored } from './import-files.ts'

/** All imports of a status, by the index. */
export function withStatus(ctx: Context, status: Stored['status']): AsyncGenerator<Stored> {
  return walk((page) => ctx.tables.imports.byStatus(ctx.orgId, status, page))
}
