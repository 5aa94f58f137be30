import * as z from 'zod'
import type { Selection, Table } from './tables.ts'

export const Page = z.strictObject({
  page: z.int().min(1).max(1_000_000).default(1),
  pageSize: z.int().min(1).max(100).default(20),
})

export const Pagination = z.object({
  page: z.int(),
  pageSize: z.int(),
  total: z.int(),
  totalPages: z.int(),
})

export function paginationOf({ page, pageSize }: z.output<typeof Page>, total: number): z.infer<typeof Pagination> {
  return { page, pageSize, total, totalPages: Math.ceil(total / pageSize) }
}

type Wanted = z.output<typeof Page>
interface Paged<Item> {
  items: Item[]
  pagination: z.infer<typeof Pagination>
}

export async function paged<Item extends { id: string }>(
  table: Table<Item>,
  orgId: string,
  { page, pageSize }: Wanted,
  selection: Omit<Selection<Item>, 'skip' | 'limit'> = {},
): Promise<Paged<Item>> {
  const { items, total } = await table.select(orgId, { ...selection, skip: (page - 1) * pageSize, limit: pageSize })
  return { items, pagination: paginationOf({ page, pageSize }, total) }
}

/** No more than the page is kept. */
export async function pagedStream<Item>(all: AsyncIterable<Item>, { page, pageSize }: Wanted): Promise<Paged<Item>> {
  const first = (page - 1) * pageSize
  const items: Item[] = []
  let total = 0
  for await (const item of all) {
    if (total >= first && items.length < pageSize) items.push(item)
    total++
  }
  return { items, pagination: paginationOf({ page, pageSize }, total) }
}
