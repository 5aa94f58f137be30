export { breakdownOf, GroupBy, Overview, overview, seriesOf } from './overview.ts'
export { excludedCosts } from './excluded-costs.ts'
export { ByService, byService } from './by-service.ts'
export type { Answer, Asked, Question } from './answers.ts'
