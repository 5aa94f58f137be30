export * from './aws.ts'
export * from './context.ts'
export * from './log.ts'
