import * as z from 'zod'

export const Settings = z.strictObject({
  floorAmount: z
    .number()
    .min(0)
    .max(1e9)
    .describe(
      "New recommendations that save less than this a month, in the organization's currency, are not announced.",
    ),
})
export type Settings = z.infer<typeof Settings>

export const defaults: Settings = { floorAmount: 10 }
