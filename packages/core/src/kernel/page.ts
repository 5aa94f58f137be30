import * as z from 'zod'

/** Which part of a list is wanted. */
export const Page = z.strictObject({
  page: z.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.number().int().min(1).max(100).default(20),
})

/** Which part of a list an answer is. */
export const Pagination = z.object({
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
  totalPages: z.number().int(),
})

/** One page of a list. */
export function paged<Item>(
  all: readonly Item[],
  { page, pageSize }: z.output<typeof Page>,
): { items: Item[]; pagination: z.infer<typeof Pagination> } {
  return {
    items: all.slice((page - 1) * pageSize, page * pageSize),
    pagination: paginationOf({ page, pageSize }, all.length),
  }
}

/** Which part an answer is of a list of so many. */
export function paginationOf({ page, pageSize }: z.output<typeof Page>, total: number): z.infer<typeof Pagination> {
  return { page, pageSize, total, totalPages: Math.ceil(total / pageSize) }
}
