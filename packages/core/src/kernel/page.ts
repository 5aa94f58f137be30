import * as z from 'zod'

export const Page = z.strictObject({
  page: z.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.number().int().min(1).max(100).default(20),
})

export const Pagination = z.object({
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
  totalPages: z.number().int(),
})

export function paginationOf({ page, pageSize }: z.output<typeof Page>, total: number): z.infer<typeof Pagination> {
  return { page, pageSize, total, totalPages: Math.ceil(total / pageSize) }
}
