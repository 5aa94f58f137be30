import { type Product, productOf } from '../company/model.ts'
import { compute } from './compute.ts'
import { databases } from './databases.ts'
import { network } from './network.ts'
import { platform } from './platform.ts'
import { storage } from './storage.ts'
import { waste } from './waste.ts'

/** The products of AWS that the company uses. */
export const products: readonly Product[] = [
  ...compute,
  ...storage,
  ...databases,
  ...network,
  ...platform,
  ...waste,
].map((draft) => productOf(draft, { discountPercent: 6, growthPercent: 25 }))
