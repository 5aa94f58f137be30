import { template, type Column, type Fields, type Varying } from './columns.ts'
import * as Money from './money.ts'

/** One row of a bill: its text, and its costs scaled by `Money.costScale`. */
export interface Charge {
  text: string
  subAccountId: string
  billed: bigint
  effective: bigint
  list: bigint
  contracted: bigint
}

export interface Costs {
  billed: bigint
  effective: bigint
  list: bigint
  contracted: bigint
  /** In the pricing currency. */
  effectivePricing: bigint
}

/** What of a row changes from day to day. */
export interface Moment {
  start: string
  end: string
  /** NULL where missing. */
  pricingQuantity?: string
  consumedQuantity?: string
  commitmentQuantity?: string
}

/** A function that writes the charges which share these fields. */
export function charger(layout: readonly Column[], fields: Fields): (moment: Moment, costs: Costs) => Charge {
  const write = template(layout, fields)
  const subAccountId = fields.SubAccountId ?? ''
  return ({ start, end, pricingQuantity = '', consumedQuantity = '', commitmentQuantity = '' }, { billed, effective, list, contracted, effectivePricing }) => {
    const values: Varying = [
      start,
      end,
      pricingQuantity,
      consumedQuantity,
      cost(billed),
      cost(effective),
      cost(list),
      cost(contracted),
      commitmentQuantity,
      cost(effectivePricing),
    ]
    return { text: write(values), subAccountId, billed, effective, list, contracted }
  }
}

/** The same amount in every column, as for taxes and credits. */
export function evenCosts(amount: bigint, amountPricing = amount): Costs {
  return { billed: amount, effective: amount, list: amount, contracted: amount, effectivePricing: amountPricing }
}

function cost(value: bigint): string {
  return Money.format(value, Money.costScale)
}
