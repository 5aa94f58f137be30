import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Info } from './recommendation.ts'

/** Throws Fault `not_found`. */
export async function load(ctx: Context, id: string): Promise<Info> {
  const found = await ctx.tables.recommendations.get(ctx.orgId, id)
  if (!found) throw new Fault('not_found', `There is no recommendation ${id}.`)
  return found
}

/** Throws Fault `conflict` without enough data. */
export async function loadFound(ctx: Context, id: string): Promise<Info & { found: NonNullable<Info['found']> }> {
  const { found, ...info } = await load(ctx, id)
  if (!found) throw new Fault('conflict', `There is not enough data: ${info.missing.join('; ')}.`)
  return { ...info, found }
}
