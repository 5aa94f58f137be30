export type { Anomaly } from './company/anomaly.ts'
export { generateSample, type Sample, type SampleFile, type SampleOptions, type SampleTotal } from './generate.ts'
