import * as z from 'zod'
import { isPath, isReference } from './path.ts'
import { complaintOfRule } from './choice.ts'

// The supported part of https://states-language.net/spec.html; the rest is refused at the start.

const Comment = z.string().optional()
const path = z.string().refine(isPath, 'must be a path that the embedded interpreter supports')
const reference = z.string().refine(isReference, 'must be a reference path')
const template = z.record(z.string(), z.json()).superRefine((value, context) => {
  for (const text of pathsIn(value))
    if (!isPath(text)) context.addIssue(`${text} must be a path; intrinsic functions are not supported`)
})

const retrier = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  IntervalSeconds: z.int().min(1).default(1),
  MaxAttempts: z.int().min(0).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).default(31_622_400),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
  Comment,
})
const catcher = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  Next: z.string(),
  ResultPath: reference.nullable().optional(),
  Comment,
})
export type Retrier = z.infer<typeof retrier>

const common = {
  Comment,
  InputPath: path.nullable().optional(),
  OutputPath: path.nullable().optional(),
}
const flow = { ...common, Next: z.string().optional(), End: z.literal(true).optional() }
const result = { ResultPath: reference.nullable().optional() }
const effect = {
  ...flow,
  ...result,
  ResultSelector: template.optional(),
  Retry: z.array(retrier).default([]),
  Catch: z.array(catcher).default([]),
}

const task = z.strictObject({
  Type: z.literal('Task'),
  ...effect,
  Resource: z.enum(['arn:aws:states:::lambda:invoke', 'arn:aws:states:::lambda:invoke.waitForTaskToken']),
  /** `${Name}` is replaced, on AWS by the ARN of a Lambda function. */
  Parameters: z
    .looseObject({ FunctionName: z.string().regex(/^\$\{\w+\}$/) })
    .and(template)
    .refine((given) => Object.keys(given).every((key) => /^(FunctionName|Payload(\.\$)?)$/.test(key)), {
      error: 'must have no fields but FunctionName and Payload',
    }),
  TimeoutSeconds: z.int().min(1).default(99_999_999),
})
const pass = z.strictObject({
  Type: z.literal('Pass'),
  ...flow,
  ...result,
  Parameters: template.optional(),
  Result: z.json().optional(),
})
const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    ...flow,
    Seconds: z.int().min(0).optional(),
    SecondsPath: path.optional(),
    Timestamp: z.iso.datetime({ offset: true }).optional(),
    TimestampPath: path.optional(),
  })
  .refine((state) => Object.keys(state).filter((key) => /^(Seconds|Timestamp)/.test(key)).length === 1, {
    error: 'must have exactly one of Seconds, SecondsPath, Timestamp and TimestampPath',
  })
const rule = z.record(z.string(), z.json()).superRefine((value, context) => {
  const complaint = complaintOfRule(value)
  if (complaint !== undefined) context.addIssue(complaint)
})
const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...common,
  Choices: z.array(rule.and(z.looseObject({ Next: z.string() }))).min(1),
  Default: z.string().optional(),
})
const succeed = z.strictObject({ Type: z.literal('Succeed'), ...common })
const fail = z.strictObject({
  Type: z.literal('Fail'),
  Comment,
  Error: z.string().optional(),
  ErrorPath: path.optional(),
  Cause: z.string().optional(),
  CausePath: path.optional(),
})

type Effect = Omit<z.infer<typeof task>, 'Type' | 'Resource' | 'Parameters' | 'TimeoutSeconds'>
type Template = Record<string, unknown>
export type Task = z.infer<typeof task>
export type Wait = z.infer<typeof wait>
export type Choice = z.infer<typeof choice>
export type Fail = z.infer<typeof fail>
export interface Parallel extends Effect {
  Type: 'Parallel'
  Branches: Machine[]
  Parameters?: Template | undefined
}
export interface Map extends Effect {
  Type: 'Map'
  ItemProcessor: Machine
  ItemsPath?: string | undefined
  ItemSelector?: Template | undefined
  MaxConcurrency: number
}
export type State = Task | z.infer<typeof pass> | Wait | Choice | z.infer<typeof succeed> | Fail | Parallel | Map
export interface Machine {
  StartAt: string
  States: Record<string, State>
}

const states: z.ZodType<Record<string, State>> = z.lazy(() =>
  z.record(z.string(), z.discriminatedUnion('Type', [task, pass, wait, choice, succeed, fail, parallel, map])),
)
const inner = { Comment, StartAt: z.string(), States: states }
const parallel = z.strictObject({
  Type: z.literal('Parallel'),
  ...effect,
  Branches: z.array(z.strictObject(inner)).min(1),
  Parameters: template.optional(),
})
const map = z.strictObject({
  Type: z.literal('Map'),
  ...effect,
  ItemProcessor: z.strictObject({
    ...inner,
    ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }).optional(),
  }),
  ItemsPath: path.optional(),
  ItemSelector: template.optional(),
  MaxConcurrency: z
    .int()
    .min(0)
    .default(0)
    .transform((most) => Math.min(most || 40, 40)),
})
export const machineSchema = z.strictObject({ Version: z.literal('1.0').optional(), ...inner })

export const stepOf = ({ Parameters }: Task): string => Parameters.FunctionName.slice(2, -1)

function* pathsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inside] of Object.entries(value))
    if (key.endsWith('.$')) yield String(inside)
    else yield* pathsIn(inside)
}
