import * as z from 'zod'
import * as Import from '../../bills/import.ts'
import type { Context } from '../../effects/context.ts'

/** As Step Functions describes it. */
export const Input = z.object({
  importId: z.string(),
  error: z.object({ Error: z.string().optional(), Cause: z.string().optional() }),
})

const endedProcess = 'The process that read the bill was ended twice, as by too little memory.'
const tookTooLong = 'The bill was not read in time, twice.'

/** By the name of the error, on one machine and on AWS. */
const causes: Partial<Record<string, string>> = {
  ProcessEnded: endedProcess,
  'Runtime.ExitError': endedProcess,
  'Runtime.OutOfMemory': endedProcess,
  'Lambda.Unknown': 'The function that read the bill ran out of time or memory, twice.',
  'Sandbox.Timedout': tookTooLong,
  'States.Timeout': tookTooLong,
}

/** State `RecordFailure`. */
export async function run(ctx: Context, { importId, error }: z.output<typeof Input>): Promise<{ failed: string }> {
  const cause = `${error.Error ?? 'Error'}: ${error.Cause ?? 'unknown'}`
  ctx.log.error('import failed', { importId, error: cause })
  await Import.fail(ctx, importId, causes[error.Error ?? ''])
  return { failed: importId }
}
