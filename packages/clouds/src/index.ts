export type { CallFault, Faults } from './faults.ts'
export type { InventedAccount, InventedClouds } from './invented.ts'
export { type CloudsOptions, type SimulatedClouds, startClouds } from './start.ts'
