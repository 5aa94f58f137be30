// Scores series for anomalies: `npm run --silent score:detect < series.jsonl`. Each line of stdin is
// {"id","start","stepSeconds","values"}, each line of stdout {"id","score"}; a score of 1 or more is an alarm.
import { Detect } from '@cloudoptima/core'
import * as z from 'zod'
import { answerLines } from './score/lines.ts'

const Question = z.object({
  id: z.union([z.string(), z.number()]),
  start: z.string().refine((start) => !Number.isNaN(Date.parse(start)), 'must be an ISO 8601 time'),
  stepSeconds: z.number().positive(),
  values: z.array(z.number().nullable()),
})

await answerLines(Question, ({ id, ...series }) => ({
  id,
  score: Detect.judge(series).map(({ score }) => Math.round(score * 1e6) / 1e6),
}))
