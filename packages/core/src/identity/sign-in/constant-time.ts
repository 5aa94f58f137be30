import { setTimeout } from 'node:timers/promises'
import type * as z from 'zod'
import type { Change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'

const floorMs = 300

/** Carries something out so that its end, good or bad, comes no sooner than 300 ms after its beginning: how long it took does not tell what it found. */
async function inConstantTime<Value>(run: () => Promise<Value>): Promise<Value> {
  const floor = setTimeout(floorMs)
  try {
    return await run()
  } finally {
    await floor
  }
}

/** The same change carried out inConstantTime, with what it leaves in the audit log: only of whom we know is anything written there. */
export function constantTime<Schema extends z.ZodType, Output>(run: Change<Schema, Output>): Change<Schema, Output> {
  const { id, schema, permission, admit, changes } = run
  const call = async (ctx: Context, input: z.input<Schema>): Promise<Output> =>
    await inConstantTime(async () => await run(ctx, input))
  return Object.assign(call, { id, schema, permission, admit, changes })
}
