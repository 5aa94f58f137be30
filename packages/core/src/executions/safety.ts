import * as z from 'zod'
import { TimeZone } from '../kernel/calendar.ts'

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const Clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of the day, such as 18:00')

/** One that ends at or before its start ends on the next day. */
export const BlackoutWindow = z.strictObject({
  days: z.array(z.enum(weekdays)).min(1).max(7).describe('On which it starts.'),
  from: Clock,
  to: Clock.describe('Exclusive. At or before `from`: of the next day.'),
  timeZone: TimeZone.default('UTC'),
})
export type BlackoutWindow = z.infer<typeof BlackoutWindow>

/** An exact decimal. */
const Decimal = z.string().regex(/^\d{1,15}(\.\d{1,18})?$/, 'must be a decimal, such as 250 or 99.50')

export const mostTargets = 50

/** Specification 3.2, with caps on money and on share. */
export const SafetyControls = z.strictObject({
  dryRunFirst: z.boolean().default(true).describe('An execution of a new or changed policy is a dry run at first.'),
  requireApproval: z.boolean().default(true),
  rollbackEnabled: z.boolean().default(true).describe('A failure takes back what was done.'),
  maxResourcesPerExecution: z
    .int()
    .min(1)
    .max(mostTargets)
    .default(10)
    .describe('The others are left out, and the plan names them.'),
  maxMonthlyCost: z
    .strictObject({ amount: Decimal, currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency of ISO 4217') })
    .nullable()
    .default(null)
    .describe(
      'Of all resources of an execution; a resource of unknown cost or another currency is left out. Null: no cap.',
    ),
  maxSharePercent: z
    .number()
    .gt(0)
    .max(100)
    .nullable()
    .default(null)
    .describe('Of the resources of the kinds that the action can change. Null: no cap.'),
  blackoutWindows: z.array(BlackoutWindow).max(20).default([]).describe('Nothing is changed within them.'),
  protectedTags: z
    .array(z.strictObject({ key: z.string().min(1).max(512), value: z.string().max(256).optional() }))
    .max(20)
    .default([])
    .describe('Resources with one of these tags are left out; without `value`, whatever the value is.'),
})
export type SafetyControls = z.infer<typeof SafetyControls>
