import { setTimeout } from 'node:timers/promises'
import type * as z from 'zod'
import type { Change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'

const floorMs = 300

/** Hides from the caller whether the account exists. */
export function constantTime<Schema extends z.ZodType, Output>(run: Change<Schema, Output>): Change<Schema, Output> {
  const { id, schema, permission, admit, changes } = run
  return Object.assign(
    async (ctx: Context, input: z.input<Schema>) => {
      const floor = setTimeout(floorMs)
      try {
        return await run(ctx, input)
      } finally {
        await floor
      }
    },
    { id, schema, permission, admit, changes },
  )
}
