import * as Audit from '../guard/audit.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import * as Idempotency from '../guard/idempotency.ts'
import * as Import from '../bills/import.ts'
import * as Executions from '../executions/sweep.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Retention from '../lake/retention.ts'
import { setTimers } from '../policies/timers.ts'
import { removePurged } from '../accounts/purge.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** Under `noOrganization`. */
    sweeps: Table<Progress>
  }
}

/** Of a sweep that runs or was killed. */
export interface Progress {
  id: 'sweep'
  /** The last one that was begun. */
  at: string
}

const one = 'sweep'

/** Goes on after a failure, and where the last sweep ran out of time. */
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

async function sweep(ctx: Context) {
  await Import.sweep(ctx)
  await Executions.sweep(ctx)
  await removePurged(ctx)
  await Audit.closeTraces(ctx)
  await Idempotency.sweep(ctx)
  await Retention.expire(ctx)
  await Orphans.removeUncollected(ctx)
  await setTimers(ctx)
}

async function inOrder({ tables }: Context) {
  const ids = (await tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  const last = (await tables.sweeps.get(noOrganization, one))?.at
  const next = last === undefined ? 0 : ids.findIndex((id) => id > last)
  return next <= 0 ? ids : [...ids.slice(next), ...ids.slice(0, next)]
}
