import * as z from 'zod'

/** Which part of a list is wanted. */
export const Page = z.strictObject({ page: z.number().int().min(1).max(1_000_000).default(1), pageSize: z.number().int().min(1).max(100).default(20) })

/** Which part of a list an answer is. */
export const Pagination = z.object({ page: z.number().int(), pageSize: z.number().int(), total: z.number().int(), totalPages: z.number().int() })

/** One page of a list. */
export function paged<Item>(all: readonly Item[], { page, pageSize }: z.output<typeof Page>): { items: Item[]; pagination: z.infer<typeof Pagination> } {
  const items = all.slice((page - 1) * pageSize, page * pageSize)
  return { items, pagination: { page, pageSize, total: all.length, totalPages: Math.ceil(all.length / pageSize) } }
}
