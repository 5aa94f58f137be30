export { orgId, tokenOf } from './organization.ts'
export { type Product, type ProductOptions, startProduct } from './product.ts'
export {
  type Anomaly,
  generateSample,
  type Sample,
  type SampleFile,
  type SampleOptions,
  type SampleTotal,
} from './sample/index.ts'
