import * as z from 'zod'
import type { Taggable } from '../effects/clouds.ts'
import { clouds } from '../kernel/cloud.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    bulkTags: Table<Info>
  }
}

const Value = z.string().nullable()

const states = ['planned', 'updated', 'unchanged', 'failed', 'unknown'] as const

export const Outcome = z.object({
  resourceId: z.string(),
  provider: z.enum(clouds).nullable(),
  accountId: z.string().nullable(),
  state: z
    .enum(states)
    .describe(
      '`planned`: it would be updated, or is not yet. `unchanged`: it has the tags, or its own values stay. `unknown`: ' +
        'the cloud did not answer, and may have changed it.',
    ),
  changes: z.array(
    z.object({ key: z.string(), before: Value.describe('Null: it had no such tag.'), after: z.string() }),
  ),
  skipped: z
    .array(z.object({ key: z.string(), value: z.string() }))
    .describe('Tags with another value, which stays without `overwrite`.'),
  canAct: z
    .boolean()
    .describe('False: the account can only be planned for. The plan is of the tags that were collected last.'),
  error: z.string().nullable(),
  undo: z
    .object({
      state: z.enum(['restored', 'partial', 'failed']).describe('`partial`: tags changed since stay.'),
      kept: z.array(z.object({ key: z.string(), value: Value })).describe('Changed since by somebody else.'),
      error: z.string().nullable(),
    })
    .nullable(),
})
export type Outcome = z.infer<typeof Outcome>

export const Public = z.object({
  id: z.string(),
  at: z.string(),
  by: z.string(),
  tags: z.record(z.string(), z.string()),
  overwrite: z.boolean(),
  resources: z.array(Outcome),
})

/** One bulk tag, with the tags of before. It is stored before the first change, and kept for 400 days. */
export interface Info extends Omit<z.infer<typeof Public>, 'resources'> {
  resources: Entry[]
  expiresAt: number
}

export interface Entry extends Outcome {
  /** Absent if nothing can be changed. */
  target?: Taggable & { cloudAccountId: string }
}

export const keptSeconds = 400 * 24 * 3600
