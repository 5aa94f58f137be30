export { breakdownOf, Overview, OverviewInput, overview, seriesOf } from './cost/overview.ts'
export { ByService, ByServiceInput, byService } from './cost/by-service.ts'
export type { Answer, Asked, Question } from './cost/answers.ts'
