export { breakdownOf, Overview, overview, seriesOf } from './cost/overview.ts'
export { ByService, byService } from './cost/by-service.ts'
export type { Answer, Asked, Question } from './cost/answers.ts'
