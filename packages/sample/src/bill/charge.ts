import { rowWriter, varying, type Column, type Fields, type Varying } from '../values/columns.ts'
import * as Money from '../values/money.ts'

/** One row of a bill. */
export interface Charge {
  text: string
  /** The fields that do not vary from day to day. */
  fields: Fields
  /** Those that do, in the order of `varying`. */
  values: Varying
  /** The start of its charge period. */
  start: string
  costs: Costs
}

/** All fields of a charge. */
export function recordOf({ fields, values }: Charge): Fields {
  return { ...fields, ...Object.fromEntries(varying.map((column, index) => [column, values[index]])) }
}

/** Costs in the billing currency, scaled by `Money.costScale`. */
export interface Costs {
  billed: bigint
  effective: bigint
  list: bigint
  contracted: bigint
  /** In the pricing currency. */
  effectivePricing: bigint
}

/** The days and quantities of a row. */
export interface Span {
  start: string
  end: string
  /** A missing quantity is NULL. */
  pricingQuantity?: string
  consumedQuantity?: string
  commitmentQuantity?: string
}

/** Returns a function that writes charges with these fields. It formats the same `Costs` object only once. */
export function chargeWriter(layout: readonly Column[], fields: Fields): (span: Span, costs: Costs) => Charge {
  const write = rowWriter(layout, fields)
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
    return { text: write(values), fields, values, start, costs }
  }
}

/** Most rows contain the same amount in several columns: each amount is formatted once. */
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

/** The same amount in every cost column, as for taxes and credits. */
export function sameCosts(amount: bigint, amountPricing = amount): Costs {
  return { billed: amount, effective: amount, list: amount, contracted: amount, effectivePricing: amountPricing }
}
