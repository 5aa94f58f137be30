export type { CallFault, Faults } from './faults.ts'
export { type CloudsOptions, type SimulatedClouds, startClouds } from './start.ts'
