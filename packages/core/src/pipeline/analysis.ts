import * as z from 'zod'
import * as Anomalies from '../anomalies/detect.ts'
import { costForecast } from '../analytics/cost-forecast.ts'
import type { Context } from '../effects/context.ts'
import { request } from '../anomalies/request.ts'
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
  /** Hash of the settings and marks by which it was judged. */
  basis?: string
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

/** Finds anomalies and makes the forecast that the API answers, once for each version of the lake. */
export async function run(ctx: Context, { ticket }: z.output<typeof Input>): Promise<void> {
  await once(ctx, ticket, async (state) => {
    const judged = await Anomalies.run(ctx, state.firstAt)
    const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
    await costForecast(organization?.currency ? { ...ctx, currency: organization.currency } : ctx, {})
    return judged
  })
}

/**
 * Runs `work` if the lake has a version that nobody analyzed as a whole. While one works, the messages of others end: it
 * looks for what is left, and for newer versions, after its claim ended.
 */
export async function once(
  ctx: Context,
  ticket: string,
  work: (state: State) => Promise<Anomalies.Judged>,
): Promise<void> {
  const [{ version }, basis] = await Promise.all([head(ctx), Anomalies.basisOf(ctx)])
  const state = await claim(ctx, ticket, { version, basis })
  if (!state) return
  let done: Partial<State> | undefined
  try {
    const { lakeVersion, isWhole } = await work(state)
    done = { endedAt: ctx.now().toISOString(), ...(isWhole && { lakeVersion, basis }) }
  } finally {
    await release(ctx, ticket, done)
  }
  const isLeft = (await head(ctx)).version > (done.lakeVersion ?? 0) || (await Anomalies.basisOf(ctx)) !== done.basis
  if (isLeft) await request(ctx, pauseSeconds)
}

async function claim(
  ctx: Context,
  ticket: string,
  { version, basis }: { version: number; basis: string },
): Promise<State | undefined> {
  const now = ctx.now()
  let waitSeconds = 0
  const { before, after } = await ctx.tables.analyses.upsert(ctx.orgId, 'costs', (found) => {
    waitSeconds = 0
    if (found && found.lakeVersion >= version && found.basis === basis) return undefined
    if (found?.worker && found.worker.ticket !== ticket && found.worker.until > now.toISOString()) return undefined
    waitSeconds = found?.endedAt ? pauseSeconds - (now.getTime() - Date.parse(found.endedAt)) / 1000 : 0
    if (waitSeconds > 0) return undefined
    const until = new Date(now.getTime() + claimedMs).toISOString()
    return { id: 'costs', lakeVersion: 0, firstAt: now.toISOString(), ...found, worker: { ticket, until } }
  })
  if (waitSeconds > 0) await request(ctx, Math.ceil(waitSeconds))
  return after === before ? undefined : after
}

/** After a failure only the claim ends: the message comes again, and ends as a dead letter. */
async function release(ctx: Context, ticket: string, done: Partial<State> | undefined): Promise<void> {
  await ctx.tables.analyses.update(ctx.orgId, 'costs', ({ worker, ...state }) => ({
    ...state,
    ...done,
    lakeVersion: Math.max(state.lakeVersion, done?.lakeVersion ?? 0),
    ...(worker && worker.ticket !== ticket && { worker }),
  }))
}
