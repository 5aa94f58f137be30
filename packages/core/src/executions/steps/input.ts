import * as z from 'zod'

export const Input = z.object({ executionId: z.string() })
export type Input = z.infer<typeof Input>

export const TargetInput = Input.extend({ number: z.int() })
export type TargetInput = z.infer<typeof TargetInput>

/** Of a step of one target: when to call it again. */
export type Again = { next: 'again'; seconds: number } | { next: 'end' }
