export type { Anomaly } from './company/anomaly.ts'
export { type Charge, recordOf } from './bill/charge.ts'
export { generateSample, type Sample, type SampleFile, type SampleOptions, type SampleTotal } from './generate.ts'
export {
  type Bill,
  type BillChange,
  type Estate,
  type EstateResource,
  inventedAccounts,
  openEstate,
  restatementCredit,
} from './estate.ts'
export type { Column, Fields } from './values/columns.ts'
export * as Day from './values/day.ts'
export * as Money from './values/money.ts'
export * as Random from './values/random.ts'
