export { orgId, tokenOf } from './organization.ts'
export { type Product, type ProductOptions, startProduct } from './product.ts'
