import { hash } from 'node:crypto'
import * as z from 'zod'
import * as Anomalies from '../anomalies/detect.ts'
import { costForecast } from '../analytics/cost-forecast.ts'
import type { Context } from '../effects/context.ts'
import { noOrganization } from '../effects/context.ts'
import { head } from '../lake/snapshot.ts'
import { advise, type Report } from '../recommendations/advise.ts'
import * as Dismissals from '../recommendations/dismissals.ts'
import { evaluate } from '../policies/thresholds.ts'
import { withVirtualTags } from '../tags/settings.ts'
import { analyses, type Analysis, request } from './request.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    analyses: Table<State>
  }
}

/** Of an organization. */
export interface State {
  id: Analysis
  /** What the last one was made of: versions of the lake, settings and marks. */
  basis?: string
  /** When it was first made, and when it last ended. */
  firstAt: string
  endedAt?: string
  /** Of the recommendations. */
  report?: Report
  /** The message that works. Its second delivery goes on at once. */
  worker?: { ticket: string; until: string }
}

export const Input = z.object({ of: z.enum(analyses).default('costs'), ticket: z.string() })

/** A burst of imports or inventories is analyzed once in this time. */
const pauseSeconds: Record<Analysis, number> = { costs: 10, resources: 30 }
/** Longer than the function may take. */
const claimedMs = 900_000
/** Utilization and age alone change recommendations slowly. */
const slotMs = 6 * 3_600_000

/** `isWhole`: nothing is left for another message. */
type Done = Pick<State, 'report'> & { isWhole: boolean }
type Work = (ctx: Context, state: State) => Promise<Done>

const works: Record<Analysis, Work> = { costs: judgeCosts, resources: judgeResources }

/** Makes one analysis, once for each version of the lake. */
export async function run(ctx: Context, { of, ticket }: z.output<typeof Input>): Promise<void> {
  await once(ctx, of, ticket, (state) => works[of](ctx, state))
}

/** Finds anomalies and makes the forecast that the API answers. */
async function judgeCosts(ctx: Context, { firstAt }: State): Promise<Done> {
  const isWhole = await Anomalies.run(ctx, firstAt)
  const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
  // As a request asks it, because the answer is kept under its settings.
  const currency = organization?.currency
  await costForecast(await withVirtualTags(currency ? { ...ctx, currency } : ctx), {})
  await evaluate(ctx, 'costs')
  return { isWhole }
}

async function judgeResources(ctx: Context): Promise<Done> {
  const report = await advise(ctx)
  await evaluate(ctx, 'resources')
  return { report, isWhole: true }
}

/** What an analysis would be made of now. */
async function basisOf(ctx: Context, of: Analysis): Promise<string> {
  if (of === 'costs') return JSON.stringify([(await head(ctx)).version, await Anomalies.basisOf(ctx)])
  const [bills, inventory, dismissals, organization, sources] = await Promise.all([
    head(ctx),
    head(ctx, 'inventory'),
    Dismissals.held(ctx),
    ctx.tables.organizations.get(ctx.orgId, ctx.orgId),
    ctx.tables.sources.all(ctx.orgId),
  ])
  // Each hour brings more of it; only the first of an account matters at once.
  const measured = sources.filter(({ kind, lastSuccessAt }) => kind === 'utilization' && lastSuccessAt !== undefined)
  const wanted = JSON.stringify([dismissals, organization?.tags, organization?.recommendations])
  const slot = Math.floor(ctx.now().getTime() / slotMs)
  return JSON.stringify([
    bills.version,
    inventory.version,
    measured.length,
    slot,
    hash('sha256', wanted, 'hex').slice(0, 16),
  ])
}

/**
 * Runs `work` if nobody made the whole analysis of what there is now. While one works, the messages of others end: it
 * looks for what is left, and for something newer, after its claim ended.
 */
export async function once(
  ctx: Context,
  of: Analysis,
  ticket: string,
  work: (state: State) => Promise<Done>,
): Promise<void> {
  const basis = await basisOf(ctx, of)
  const state = await claim(ctx, of, ticket, basis)
  if (!state) return
  let done: Partial<State> | undefined
  try {
    const { isWhole, ...made } = await work(state)
    done = { ...made, endedAt: ctx.now().toISOString(), ...(isWhole && { basis }) }
  } finally {
    await release(ctx, of, ticket, done)
  }
  if ((await basisOf(ctx, of)) !== done.basis) await request(ctx, of, pauseSeconds[of])
}

async function claim(ctx: Context, of: Analysis, ticket: string, basis: string): Promise<State | undefined> {
  const now = ctx.now()
  let waitSeconds = 0
  const { before, after } = await ctx.tables.analyses.upsert(ctx.orgId, of, (found) => {
    waitSeconds = 0
    if (found?.basis === basis) return undefined
    if (found?.worker && found.worker.ticket !== ticket && found.worker.until > now.toISOString()) return undefined
    waitSeconds = found?.endedAt ? pauseSeconds[of] - (now.getTime() - Date.parse(found.endedAt)) / 1000 : 0
    if (waitSeconds > 0) return undefined
    const until = new Date(now.getTime() + claimedMs).toISOString()
    return { id: of, firstAt: now.toISOString(), ...found, worker: { ticket, until } }
  })
  if (waitSeconds > 0) await request(ctx, of, Math.ceil(waitSeconds))
  return after === before ? undefined : after
}

/** After a failure only the claim ends: the message comes again, and ends as a dead letter. */
async function release(ctx: Context, of: Analysis, ticket: string, done: Partial<State> | undefined): Promise<void> {
  await ctx.tables.analyses.update(ctx.orgId, of, ({ worker, ...state }) => ({
    ...state,
    ...done,
    ...(worker && worker.ticket !== ticket && { worker }),
  }))
}

/** Asks for the recommendations of all organizations: resources grow old, also where nothing is delivered. */
export async function requestDaily(ctx: Context): Promise<void> {
  for (const { id: orgId } of await ctx.tables.organizationIndex.all(noOrganization))
    await request({ ...ctx, orgId }, 'resources')
}
