import { type Product, productOf } from '../company/model.ts'
import { compute } from './compute.ts'
import { data } from './data.ts'
import { platform } from './platform.ts'
import { waste } from './waste.ts'

/** The products of Google Cloud that the company uses. */
export const products: readonly Product[] = [...compute, ...data, ...platform, ...waste].map((draft) =>
  productOf(draft, { discountPercent: 5, growthPercent: 32 }),
)
