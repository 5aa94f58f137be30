/** What other packages may ask of the rules: no rule, so that a function that judges nothing does not load them. */
export { partOf } from './pricing/charges.ts'
export { coverableKey, offersOf } from './pricing/commitments.ts'
export * as PriceList from './pricing/list-prices.ts'
export { listPrices } from './pricing/list-prices.ts'
export { priceBook, priceOf } from './pricing/prices.ts'
export { isOffHour, knownShare, summarize } from './subject.ts'
export { hasLocalDisk } from './sizes/local-disk.ts'
export { familyOf, typeOf, typesOf } from './sizes/instance-types.ts'
