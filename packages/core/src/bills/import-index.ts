import type { Context } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import type { Stored } from './import-files.ts'

export function withStatus(ctx: Context, status: Stored['status']): AsyncGenerator<Stored> {
  return walk((page) => ctx.tables.imports.byStatus(ctx.orgId, status, page))
}
