import { type Product, productOf } from '../company/model.ts'
import { compute } from './compute.ts'
import { network } from './network.ts'
import { platform } from './platform.ts'
import { storage } from './storage.ts'
import { waste } from './waste.ts'

/** The products of Azure that the company uses. */
export const products: readonly Product[] = [...compute, ...storage, ...platform, ...network, ...waste].map((draft) =>
  productOf(
    { ...draft, path: `{account}/resourceGroups/{group}/providers/${draft.path}` },
    { discountPercent: 9, growthPercent: 18 },
  ),
)
