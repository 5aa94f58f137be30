import { template, type Column, type Fields, type Varying } from './columns.ts'
import * as Money from './money.ts'

/** One row of a bill: its text, and what is in it. */
export interface Charge {
  text: string
  subAccountId: string
  costs: Costs
}

/** Costs scaled by `Money.costScale`. */
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

/** A function that writes the charges which share these fields. Costs that come again as the same object are not written out again. */
export function charger(layout: readonly Column[], fields: Fields): (moment: Moment, costs: Costs) => Charge {
  const write = template(layout, fields)
  const subAccountId = fields.SubAccountId ?? ''
  let lastCosts: Costs | undefined
  let lastTexts: readonly string[] = []
  return ({ start, end, pricingQuantity = '', consumedQuantity = '', commitmentQuantity = '' }, costs) => {
    if (costs !== lastCosts) lastTexts = textsOf((lastCosts = costs))
    const [billed = '', effective = '', list = '', contracted = '', effectivePricing = ''] = lastTexts
    const values: Varying = [
      start,
      end,
      pricingQuantity,
      consumedQuantity,
      billed,
      effective,
      list,
      contracted,
      commitmentQuantity,
      effectivePricing,
    ]
    return { text: write(values), subAccountId, costs }
  }
}

/** Most rows say the same amount three times: each is written out once. */
function textsOf({ billed, effective, list, contracted, effectivePricing }: Costs): readonly string[] {
  const cost = (value: bigint) => Money.format(value, Money.costScale)
  const effectiveText = cost(effective)
  const contractedText = contracted === effective ? effectiveText : cost(contracted)
  return [
    billed === contracted ? contractedText : cost(billed),
    effectiveText,
    list === contracted ? contractedText : cost(list),
    contractedText,
    effectivePricing === effective ? effectiveText : cost(effectivePricing),
  ]
}

/** The same amount in every column, as for taxes and credits. */
export function evenCosts(amount: bigint, amountPricing = amount): Costs {
  return { billed: amount, effective: amount, list: amount, contracted: amount, effectivePricing: amountPricing }
}
