import { setTimeout } from 'node:timers/promises'
import * as Anomalies from '../../anomalies/detect.ts'
import { costForecast } from '../../analytics/cost-forecast.ts'
import type { Context } from '../../effects/context.ts'
import { raise } from '../../kernel/fault.ts'
import { head, view } from '../../lake/snapshot.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    followUps: Table<FollowUp>
  }
}

/** The last lake version that a branch of the workflow has seen, and the import whose execution works. */
interface FollowUp {
  id: string
  lakeVersion: number
  /** The first and the last time. */
  firstAt: string
  beganAt?: string
  worker?: { importId: string; until: string }
}

/** A burst of imports is followed once in this time. */
const pauseMs = 10_000
/** The time limit of the step. A killed step runs again under the same import, and needs no wait. */
const claimedMs = 900_000

export interface Output {
  outcome: 'followed' | 'left to another'
}

/**
 * Runs `work`, which returns the lake version that it saw, until it has seen the newest. One execution works; the others
 * leave their version to it, because it looks for newer ones after its claim ended.
 */
export async function followed(
  ctx: Context,
  id: string,
  importId: string,
  work: (ctx: Context, firstAt: string) => Promise<number>,
): Promise<Output> {
  const { followUps } = ctx.tables
  while (true) {
    const { version } = await head(ctx)
    const { after, before } = await followUps.upsert(ctx.orgId, id, (found) => {
      const now = ctx.now().toISOString()
      if (found && found.lakeVersion >= version) return undefined
      if (found?.worker && found.worker.importId !== importId && found.worker.until > now) return undefined
      const worker = { importId, until: new Date(Date.parse(now) + claimedMs).toISOString() }
      return { id, lakeVersion: 0, firstAt: now, ...found, worker }
    })
    if (after === before) return { outcome: (before?.lakeVersion ?? 0) >= version ? 'followed' : 'left to another' }
    const { beganAt: lastAt, firstAt } = after ?? raise(new Error('a claim leaves a row'))
    await pauseSince(ctx, lastAt)
    const beganAt = ctx.now().toISOString()
    const lakeVersion = await work(ctx, firstAt)
    await followUps.update(ctx.orgId, id, ({ worker, ...found }) => {
      const isMine = worker?.importId === importId
      const seen = { ...found, lakeVersion: Math.max(found.lakeVersion, lakeVersion) }
      return isMine ? { ...seen, beganAt } : { ...seen, ...(worker && { worker }) }
    })
  }
}

async function pauseSince(ctx: Context, beganAt: string | undefined): Promise<void> {
  const left = beganAt === undefined ? 0 : Date.parse(beganAt) + pauseMs - ctx.now().getTime()
  if (left > 0) await setTimeout(Math.min(left, pauseMs))
}

/** State `Detect`: judges the costs. */
export async function detect(ctx: Context, { importId }: { importId: string }): Promise<Output> {
  return await followed(ctx, 'detect', importId, Anomalies.run)
}

/** State `Track`: makes the forecast that the API answers. */
export async function track(ctx: Context, { importId }: { importId: string }): Promise<Output> {
  return await followed(ctx, 'track', importId, async () => {
    const { lakeVersion } = await view(ctx)
    const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
    await costForecast(organization?.currency ? { ...ctx, currency: organization.currency } : ctx, {})
    return lakeVersion
  })
}
