import * as z from 'zod'

export const Settings = z.strictObject({
  sensitivity: z
    .enum(['low', 'medium', 'high'])
    .describe('How unusual a cost must be: `high` reports smaller deviations, and more false ones.'),
  floorAmount: z
    .number()
    .min(0)
    .max(1e9)
    .describe("Anomalies below this amount, in the organization's currency, are not reported."),
  floorPercent: z.number().min(0).max(1_000).describe('Nor those below this percentage of the expected cost.'),
  tagKeys: z.array(z.string().min(1).max(1024)).max(5).describe('Tags whose values are watched, such as `Team`.'),
})
export type Settings = z.infer<typeof Settings>

export const defaults: Settings = { sensitivity: 'medium', floorAmount: 20, floorPercent: 10, tagKeys: [] }
