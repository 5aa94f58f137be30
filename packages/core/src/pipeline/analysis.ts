import * as z from 'zod'
import * as Anomalies from '../anomalies/detect.ts'
import { costForecast } from '../analytics/cost-forecast.ts'
import type { Context } from '../effects/context.ts'
import { head } from '../lake/snapshot.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    analyses: Table<State>
  }
}

/** Of an organization. */
interface State {
  id: 'costs'
  /** The newest that was analyzed. */
  lakeVersion: number
  /** When it was first analyzed, and when it last ended. */
  firstAt: string
  endedAt?: string
  /** The message that works. Its second delivery goes on at once. */
  worker?: { ticket: string; until: string }
}

export const Input = z.object({ ticket: z.string() })

/** A burst of imports is analyzed once in this time. */
const pauseSeconds = 10
/** Longer than the function may take. */
const claimedMs = 900_000

/** Sends the message that analyzes the newest costs. */
export async function request(ctx: Context, delaySeconds = 2): Promise<void> {
  const ticket = ctx.newId('ana')
  await ctx.runtime.queues.send('ml', { ticket }, { orgId: ctx.orgId, delaySeconds, deduplicationId: ticket })
}

/** Finds anomalies and makes the forecast that the API answers, once for each version of the lake. */
export async function run(ctx: Context, { ticket }: z.output<typeof Input>): Promise<void> {
  await once(ctx, ticket, async (state) => {
    const lakeVersion = await Anomalies.run(ctx, state.firstAt)
    const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
    await costForecast(organization?.currency ? { ...ctx, currency: organization.currency } : ctx, {})
    return lakeVersion
  })
}

/**
 * Runs `work` if the lake has a version that nobody analyzed; it returns the version that it saw. While one works, the
 * messages of others end: it looks for newer versions after its claim ended.
 */
export async function once(ctx: Context, ticket: string, work: (state: State) => Promise<number>): Promise<void> {
  const { version } = await head(ctx)
  const state = await claim(ctx, ticket, version)
  if (!state) return
  let lakeVersion = 0
  try {
    lakeVersion = await work(state)
  } finally {
    await release(ctx, ticket, lakeVersion)
  }
  if ((await head(ctx)).version > lakeVersion) await request(ctx, pauseSeconds)
}

async function claim(ctx: Context, ticket: string, version: number): Promise<State | undefined> {
  const now = ctx.now()
  let waitSeconds = 0
  const { before, after } = await ctx.tables.analyses.upsert(ctx.orgId, 'costs', (found) => {
    waitSeconds = 0
    if (found && found.lakeVersion >= version) return undefined
    if (found?.worker && found.worker.ticket !== ticket && found.worker.until > now.toISOString()) return undefined
    waitSeconds = found?.endedAt ? pauseSeconds - (now.getTime() - Date.parse(found.endedAt)) / 1000 : 0
    if (waitSeconds > 0) return undefined
    const until = new Date(now.getTime() + claimedMs).toISOString()
    return { id: 'costs', lakeVersion: 0, firstAt: now.toISOString(), ...found, worker: { ticket, until } }
  })
  if (waitSeconds > 0) await request(ctx, Math.ceil(waitSeconds))
  return after === before ? undefined : after
}

async function release(ctx: Context, ticket: string, lakeVersion: number): Promise<void> {
  const endedAt = ctx.now().toISOString()
  await ctx.tables.analyses.update(ctx.orgId, 'costs', ({ worker, ...state }) => ({
    ...state,
    lakeVersion: Math.max(state.lakeVersion, lakeVersion),
    endedAt,
    ...(worker && worker.ticket !== ticket && { worker }),
  }))
}
