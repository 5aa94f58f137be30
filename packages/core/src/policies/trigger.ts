import * as z from 'zod'
import { clouds } from '../kernel/cloud.ts'
import { TimeZone } from '../kernel/calendar.ts'
import { triggerEvents } from '../kernel/event.ts'
import type { Timing } from '../effects/timers.ts'
import { cronComplaint, nextTimes, rateOf } from './schedule.ts'

export const triggerTypes = ['schedule', 'event', 'threshold'] as const

/** Specification 3.2. */
export const Written = z.strictObject({
  type: z.enum(triggerTypes),
  config: z
    .record(z.string(), z.unknown())
    .describe(
      'schedule: `{"rate": "6 hours"}` or `{"cron": "0 19 * * 1-5", "timezone": "Europe/Zurich"}`. event: ' +
        '`{"event": "recommendation.found"}`. threshold: `{"metric": "daily_cost", "operator": ">", "value": "500", ' +
        '"currency": "USD", "filter": {"service": "Amazon Elastic Compute Cloud"}}`.',
    ),
})

const Schedule = z
  .strictObject({
    rate: z.string().optional(),
    cron: z.string().max(200).optional(),
    timezone: TimeZone.default('UTC'),
  })
  .transform(({ rate, cron, timezone }, context): Timing => {
    const refuse = (path: string[], message: string) => {
      context.addIssue({ code: 'custom', path, message })
      return z.NEVER
    }
    if ((rate === undefined) === (cron === undefined)) return refuse([], 'must have a rate or a cron expression')
    if (rate !== undefined) {
      const read = rateOf(rate)
      return 'wrong' in read ? refuse(['rate'], read.wrong) : read
    }
    const expression = cron ?? ''
    const wrong = cronComplaint(expression)
    return wrong === undefined ? { cron: expression, timeZone: timezone } : refuse(['cron'], wrong)
  })

export const costMetrics = ['daily_cost', 'monthly_cost'] as const
export const utilizationMetrics = ['cpu_avg', 'memory_avg'] as const
const metrics = [...costMetrics, ...utilizationMetrics] as const

const Event = z.strictObject({ event: z.enum(triggerEvents) })

const text = z.string().min(1).max(1024)

const Threshold = z
  .strictObject({
    metric: z.enum(metrics),
    operator: z.enum(['>', '<']),
    value: z.string().regex(/^\d{1,15}(\.\d{1,18})?$/, 'must be a decimal text, such as "500" or "99.50"'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be a currency of ISO 4217, such as USD')
      .optional(),
    filter: z
      .strictObject({ provider: z.enum(clouds), account: text, service: text, region: text })
      .partial()
      .default({}),
  })
  .superRefine(({ metric, currency, filter }, context) => {
    const isCost = costMetrics.some((name) => name === metric)
    if (isCost !== (currency !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['currency'],
        message: `must ${isCost ? '' : 'not '}be given with ${metric}`,
      })
    if (!isCost && filter.service !== undefined)
      context.addIssue({ code: 'custom', path: ['filter', 'service'], message: `must not be given with ${metric}` })
  })
export type Threshold = z.output<typeof Threshold>

/** What starts the executions of a policy. */
export type PolicyTrigger =
  | ({ type: 'schedule' } & { timing: Timing })
  | ({ type: 'event' } & z.output<typeof Event>)
  | ({ type: 'threshold' } & Threshold)

export const OneTrigger = Written.transform(({ type, config }, context): PolicyTrigger => {
  const refuse = ({ issues }: z.ZodError) => {
    for (const { path, message } of issues) context.addIssue({ code: 'custom', path: ['config', ...path], message })
    return z.NEVER
  }
  switch (type) {
    case 'schedule': {
      const { data: timing, error } = Schedule.safeParse(config)
      return timing ? { type, timing } : refuse(error)
    }
    case 'event': {
      const { data, error } = Event.safeParse(config)
      return data ? { type, ...data } : refuse(error)
    }
    case 'threshold': {
      const { data, error } = Threshold.safeParse(config)
      return data ? { type, ...data } : refuse(error)
    }
  }
})

/** As a request writes it. */
export function writtenOf(trigger: PolicyTrigger): z.output<typeof Written> {
  const { type, ...config } = trigger
  if (trigger.type !== 'schedule') return { type, config }
  const { timing } = trigger
  if ('cron' in timing) return { type, config: { cron: timing.cron, timezone: timing.timeZone } }
  return { type, config: { rate: rateWords(timing.everyMinutes) } }
}

function rateWords(minutes: number): string {
  const [count, unit] =
    minutes % 1440 === 0 ? [minutes / 1440, 'day'] : minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** The next times of a schedule; empty for another trigger. */
export async function comingTimes(trigger: PolicyTrigger, now: Date): Promise<string[]> {
  if (trigger.type !== 'schedule') return []
  return (await nextTimes(trigger.timing, now, 5)).map((time) => time.toISOString())
}
