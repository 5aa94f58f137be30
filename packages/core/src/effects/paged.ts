import type * as z from 'zod'
import { type Page, type Pagination, paginationOf } from '../kernel/page.ts'
import type { Selection, Table } from './tables.ts'

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
