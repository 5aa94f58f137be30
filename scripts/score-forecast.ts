// Forecasts series: `npm run --silent score:forecast < series.jsonl`. A line in:
// {"id","start","stepSeconds","values":[number|null],"horizon","level"}; a line out: {"id","mean":[],"lower":[],"upper":[]}.
import { forecast } from '../packages/core/src/analytics/forecast/forecast.ts'
import * as z from 'zod'
import { answerLines } from './score/lines.ts'

const question = z.object({
  id: z.union([z.string(), z.number()]),
  start: z.string().refine((start) => !Number.isNaN(Date.parse(start)), 'is no ISO 8601 time'),
  stepSeconds: z.number().positive(),
  values: z.array(z.number().nullable()),
  horizon: z.number().int().min(0).max(10_000),
  level: z.number().gt(0).lt(100),
})

await answerLines(question, ({ id, horizon, level, ...series }) => {
  const { mean, intervals } = forecast(series, { horizon, levels: [level >= 1 ? level / 100 : level] })
  return { id, mean, lower: intervals[0]?.lower, upper: intervals[0]?.upper }
})
