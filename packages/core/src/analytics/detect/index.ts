export type { Series } from '../series/series.ts'
export {
  anomaliesOf,
  type Anomaly,
  type DayExcess,
  type Floor,
  type Kind,
  type Severity,
  severityOf,
} from './anomaly.ts'
export { perCause, type Cause, type Sighting } from './cause.ts'
export { Detector, judge, type Judgement, type Sensitivity } from './detector.ts'
export type * from './facts.ts'
export { mostParts } from './facts.ts'
export { explain } from './root-cause.ts'
