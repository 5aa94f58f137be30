import { priceBook } from '../prices.ts'
import type { Part } from '../subject.ts'

const place = { region: 'eu-central-1', currency: 'USD' } as const
const own = (part: Part, sku: string, cost: string, quantity: string, listCost: string) =>
  ({ ...place, cloud: 'aws', part, sku, cost, quantity, listCost }) as const
const listed = (part: Part, sku: string, price: string, variant?: string) =>
  ({ ...place, cloud: 'aws', part, sku, price, asOf: '2026-10-01', ...(variant !== undefined && { variant }) }) as const

/** Prices of the fixtures: the organization pays 88 % of the list for gp3, and has no discount on its operations. */
export const book = priceBook(
  [own('storage', 'gp3', '88', '1000', '100')],
  [listed('storage', 'gp3', '0.1'), listed('iops', 'gp3', '0.006'), listed('throughput', 'gp3', '0.048')],
)
