import * as Audit from '../guard/audit.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import * as Idempotency from '../guard/idempotency.ts'
import * as Import from '../bills/import.ts'
import * as Retention from '../lake/retention.ts'
import { removePurged } from '../accounts/removal.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** Under `noOrganization`. */
    sweeps: Table<Progress>
  }
}

/** The progress of a sweep that runs or was killed. It belongs to no organization. */
export interface Progress {
  id: 'sweep'
  /** The last organization that was started. */
  at: string
}

const one = 'sweep'

/**
 * Finishes abandoned work in all organizations: uploads that never completed, imports whose workflow was not started, purged files, audit entries of killed
 * actions, expired idempotency keys, and expired versions. If an organization fails, the sweep goes on with the others and throws at the end. It stops when time is
 * short. The next sweep begins after the organization where the last one stopped or was killed.
 */
export async function run(
  ctx: Context,
  isOutOfTime: () => boolean = () => false,
): Promise<{ swept: number; left: number }> {
  const { sweeps } = ctx.tables
  const order = await inOrder(ctx)
  let [begun, failed] = [0, 0]
  for (const orgId of order) {
    if (isOutOfTime()) break
    await sweeps.put(noOrganization, { id: one, at: orgId })
    begun++
    try {
      await sweep({ ...ctx, orgId })
    } catch (error) {
      failed++
      ctx.log.error('an organization could not be swept', { orgId, error })
    }
  }
  const left = order.length - begun
  if (left === 0) await sweeps.remove(noOrganization, one)
  else ctx.log.warn('time was too short to sweep all organizations: the next sweep goes on', { count: left })
  if (failed > 0) throw new Error(`${failed} of ${begun} organizations could not be swept: the log says why`)
  return { swept: begun, left }
}

async function sweep(ctx: Context): Promise<void> {
  await Import.sweep(ctx)
  await removePurged(ctx)
  await Audit.closeTraces(ctx)
  await Idempotency.sweep(ctx)
  await Retention.expire(ctx)
}

/** All organizations, beginning after the one where the last sweep ended early. */
async function inOrder({ tables }: Context): Promise<string[]> {
  const ids = (await tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  const last = (await tables.sweeps.get(noOrganization, one))?.at
  const next = last === undefined ? 0 : ids.findIndex((id) => id > last)
  return next <= 0 ? ids : [...ids.slice(next), ...ids.slice(0, next)]
}
