import * as z from 'zod'
import { Day, Granularity } from '../kernel/calendar.ts'
import type { Dimension } from '../effects/queries.ts'
import { exactly } from '../kernel/money.ts'
import { shared } from './ask.ts'
import { Meta } from './scope.ts'

export const GroupBy = z.enum(['service', 'region', 'tag', 'account'] satisfies Dimension[])

export const OverviewInput = z
  .strictObject({
    startDate: Day.optional().describe('The first day. By default 29 days before `end_date`.'),
    endDate: Day.optional().describe('The last day, inclusive. By default the last complete day of the lake.'),
    granularity: Granularity.default('daily').describe(
      'The steps of the time series. Weeks follow ISO 8601 and begin on Monday.',
    ),
    groupBy: GroupBy.default('service').describe('The dimension of the breakdown; `tag` needs `tag_key`.'),
    tagKey: z.string().min(1).max(1024).optional().describe('The tag whose values the breakdown has.'),
    limit: z
      .int()
      .min(1)
      .max(5000)
      .default(1000)
      .describe('The maximum number of lines of the breakdown; a last line sums up the rest.'),
    ...shared,
  })
  .refine(({ startDate, endDate }) => !startDate || !endDate || startDate <= endDate, {
    message: 'must not be before start_date',
    path: ['endDate'],
  })
  .refine(({ groupBy, tagKey }) => groupBy !== 'tag' || tagKey !== undefined, {
    message: 'is needed to group by tag',
    path: ['tagKey'],
  })
export type OverviewInput = z.output<typeof OverviewInput>

export const Overview = z.object({
  ...exactly('totalCost'),
  currency: z.string(),
  startDate: z.string(),
  endDate: z.string(),
  granularity: Granularity,
  groupBy: GroupBy,
  periodComparison: z.object({
    ...exactly('previousPeriod'),
    changePercent: z.number().describe('0, 100 or -100 if the previous period cost nothing.'),
    previousIsZero: z
      .boolean()
      .describe('Whether the previous period cost nothing, so that there is nothing to compare with.'),
    startDate: z.string(),
    endDate: z.string(),
  }),
  breakdown: z.array(
    z.object({
      dimension: z
        .string()
        .describe(
          '`(none)` where the bill has no value, `(untagged)` where the tag is missing, `(other)` for the lines ' +
            'beyond the limit.',
        ),
      value: z.string().nullable().describe('The value; null where the bill has none.'),
      ...exactly('cost'),
      percentage: z.number().describe('Share of the total; 0 if the total is 0.'),
    }),
  ),
  timeSeries: z.array(
    z.object({
      date: z.string().describe('First day of the day, week or month.'),
      ...exactly('cost'),
    }),
  ),
  meta: Meta,
})
export type Overview = z.infer<typeof Overview>
