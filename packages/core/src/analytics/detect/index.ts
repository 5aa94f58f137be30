export { Detector, judge, type Judgement, type Sensitivity } from './detector.ts'
