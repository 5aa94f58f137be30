import type * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { type Page, paginationOf } from '../effects/paged.ts'
import { walk } from '../effects/tables.ts'
import * as Import from './import.ts'
import * as Tally from './tally.ts'

const keysAtOnce = 1000

/** The newest first. The way to a later page reads keys of the index only. */
export async function pageOf(ctx: Context, page: z.output<typeof Page>) {
  const skipped = (page.page - 1) * page.pageSize
  const [total, from] = await Promise.all([Tally.total(ctx), skipped === 0 ? undefined : idAt(ctx, skipped)])
  const isBehind = skipped > 0 && from === undefined
  const input = { descending: true, limit: page.pageSize, from }
  const records = isBehind ? [] : (await ctx.tables.imports.list(ctx.orgId, input)).items
  const imports = records.map((stored) => {
    const { files: _, sums: __, ...record } = stored
    return { ...record, ...Import.sumsOf(stored) }
  })
  return { imports, pagination: paginationOf(page, Math.max(total, imports.length && skipped + imports.length)) }
}

/** 1 is the newest: merges the keys of all statuses. */
async function idAt(ctx: Context, place: number) {
  const keys = Import.Status.options.map((status) => keysOf(ctx, status, Math.min(place, keysAtOnce)))
  const heads = await Promise.all(keys.map((each) => each.next()))
  for (let passed = 1; ; passed++) {
    const newest = heads.reduce((best, { value = '' }, at) => (value > (heads[best]?.value ?? '') ? at : best), 0)
    const head = heads[newest]
    if (!head || head.done === true || passed === place) return head?.value
    heads[newest] = (await keys[newest]?.next()) ?? { done: true, value: undefined }
  }
}

function keysOf(ctx: Context, status: string, limit: number): AsyncGenerator<string> {
  const list = async (page: object) => {
    const { ids, ...next } = await ctx.tables.imports.ids(ctx.orgId, status, page)
    return { items: ids, ...next }
  }
  return walk(list, { descending: true, limit })
}
