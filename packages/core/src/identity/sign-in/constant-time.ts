import { setTimeout } from 'node:timers/promises'
import type * as z from 'zod'
import type { Change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'

const floorMs = 300

/** Takes at least 300 ms, on success and failure: hides from the caller whether the account exists. */
async function withMinimumTime<Value>(run: () => Promise<Value>): Promise<Value> {
  const floor = setTimeout(floorMs)
  try {
    return await run()
  } finally {
    await floor
  }
}

/** A change with a minimum duration. */
export function constantTime<Schema extends z.ZodType, Output>(run: Change<Schema, Output>): Change<Schema, Output> {
  const { id, schema, permission, admit, changes } = run
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Output> =>
    await withMinimumTime(async () => await run(ctx, input))
  return Object.assign(call, { id, schema, permission, admit, changes })
}
