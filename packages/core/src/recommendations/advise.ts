import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { isWritten } from '../kernel/fault.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { type Finding, listPrices, priceBook, type RateOf, recommend } from '../rules/index.ts'
import { demandsOf } from './demands.ts'
import * as Dismissals from './dismissals.ts'
import { measuredOf } from './measure.ts'
import { planOf } from './plan.ts'
import { ratesOf, worthOf } from './rates.ts'
import type { Info } from './recommendation.ts'
import { defaults } from './settings.ts'
import { subjectsOf } from './subjects.ts'

/** Of the newest analysis. */
export interface Report {
  at: string
  resources: number
  /** Findings beyond the number of rows that are kept. */
  leftOut: number
}

/** Judges all resources of the organization and writes what is new. Idempotent. */
export async function advise(ctx: Context): Promise<Report> {
  const at = ctx.now()
  const { subjects, own, unread } = await subjectsOf(ctx)
  const [rows, dismissals, organization] = await Promise.all([
    ctx.tables.recommendations.all(ctx.orgId),
    Dismissals.held(ctx),
    ctx.tables.organizations.get(ctx.orgId, ctx.orgId),
  ])
  const isDismissed = ({ rule, subject }: Finding) =>
    Dismissals.covering(dismissals, { rule, accountId: subject.accountId, resourceId: subject.id }).length > 0
  const places = new Map(subjects.map(({ cloud, region }) => [`${cloud}/${region}`, { cloud, region }]))
  const currencies = [...new Set(subjects.flatMap(({ cost }) => cost?.currency ?? []))]
  const prices = await Promise.all(
    currencies.map((currency) => listPrices(ctx, { currency, places: [...places.values()] })),
  )
  const requiredTags = organization?.tags?.required ?? []
  const rateOf = await ratesOf(ctx, organization?.currency)
  // Two digits order well enough, and a priority does not change each day.
  const roundRateOf: RateOf = (currency) => rateOf(currency).prec(2)
  const advice = recommend(
    subjects,
    { now: at, unread, requiredTags },
    {
      book: priceBook(own, prices.flat()),
      demands: await demandsOf(ctx, prices.flat()),
      isDismissed,
      rateOf: roundRateOf,
    },
  )
  const { snapshots } = await Snapshot.view(ctx, { kind: 'inventory' })
  const accounts = new Set(snapshots.map(({ provider, accountId }) => `${provider}/${accountId}`))
  const succeeded = await succeededOf(ctx, rows)
  const plan = planOf({ orgId: ctx.orgId, at, rows, subjects, advice, accounts, succeeded, rateOf: roundRateOf })
  const floor = organization?.recommendations?.floorAmount ?? defaults.floorAmount
  const announced = (row: Info): Info =>
    row.isAnnounced || !row.isChosen || row.status !== 'active' || worthOf(row, rateOf).lt(floor)
      ? row
      : { ...row, isAnnounced: true }
  for (const row of plan.found.map(announced))
    // Another analysis may have written it.
    await isWritten(ctx.tables.recommendations.insert(ctx.orgId, row, eventsOf(ctx, row, false)))
  for (const row of plan.changed) {
    const next = announced(row)
    await ctx.tables.recommendations.update(
      ctx.orgId,
      row.id,
      (current) => (current.updatedAt > row.updatedAt ? undefined : next),
      eventsOf(ctx, next, row.isAnnounced === true),
    )
  }
  for (const { id } of plan.judged) await ctx.tables.recommendations.remove(ctx.orgId, id)
  await measure(ctx, [...rows.filter(({ id }) => !plan.changed.some((row) => row.id === id)), ...plan.changed])
  ctx.log.info('resources were judged', { count: subjects.length, found: advice.recommendations.length })
  return { at: at.toISOString(), resources: subjects.length, leftOut: plan.leftOut }
}

/** Of the executions of scheduled rows, by id. */
async function succeededOf(ctx: Context, rows: readonly Info[]): Promise<Set<string>> {
  const ids = rows.flatMap(({ status, executionId }) => (status === 'scheduled' ? (executionId ?? []) : []))
  const executions = await Promise.all(ids.map((id) => ctx.tables.policyExecutions.get(ctx.orgId, id)))
  return new Set(executions.flatMap((execution) => (execution?.status === 'succeeded' ? execution.id : [])))
}

/** Once for each recommendation, by its id. */
function eventsOf(ctx: Context, { id, isAnnounced }: Info, wasAnnounced: boolean) {
  if (!isAnnounced || wasAnnounced) return []
  return [event(ctx, 'recommendation.found', { recommendationId: id }, `recommendation.found/${id}`)]
}

async function measure(ctx: Context, rows: readonly Info[]): Promise<void> {
  const view = await Snapshot.view(ctx)
  for (const row of rows) {
    const measured = await measuredOf(ctx, view, row)
    if (!measured) continue
    await ctx.tables.recommendations.update(ctx.orgId, row.id, (current) =>
      current.status === 'completed' ? { ...current, measured } : undefined,
    )
  }
}
