import { hash } from 'node:crypto'
import type { Floor } from '../analytics/detect/index.ts'
import { factors } from '../currencies/factor.ts'
import * as ExchangeRate from '../currencies/rates.ts'
import { filesFor, lastDays, matureUntil, payersOf, usualCurrency } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import type { Queries } from '../effects/queries.ts'
import { event } from '../effects/relay.ts'
import { addDays, type Day } from '../kernel/calendar.ts'
import { isSameAccount } from '../kernel/cloud.ts'
import { isWritten } from '../kernel/fault.ts'
import * as Money from '../kernel/money.ts'
import { type View, view as currentView } from '../lake/snapshot.ts'
import { type Facts, idOf, type Info, placeOf, reopened, severities, unmarked } from './anomaly.ts'
import * as Expected from './expected.ts'
import { type Held, type Plan, planOf } from './plan.ts'
import { rootCauseOf } from './root-cause.ts'
import { defaults, type Settings } from './settings.ts'
import { type Boundary, causesOf, type CostSeries, heldCost, heldSeries, seriesOf } from './sightings.ts'

/** A year, so that the day of the month is known, and more. */
const historyDays = 400
/** Days whose anomalies are written, and those whose anomalies are announced: of older ones nobody wants to be woken. */
const writtenDays = 90
const announcedDays = 7
const settlingMs = 3_600_000
const recentDays = 30
const mostSeries = 500
const keptDays = 400
/** In one run, because each reads the charges of a month. */
const mostRootCauses = 100

/** Of what is judged beside the costs: settings and marks. */
export async function basisOf(ctx: Context): Promise<string> {
  const [organization, marks] = await Promise.all([
    ctx.tables.organizations.get(ctx.orgId, ctx.orgId),
    ctx.tables.expectedCosts.all(ctx.orgId),
  ])
  return hash('sha256', JSON.stringify([organization?.anomalies, organization?.currency, marks]), 'hex').slice(0, 16)
}

/**
 * Judges the costs of the newest version of the lake. Idempotent. In the first hour of an organization nothing is
 * announced: its bills come month by month, and their costs are news to nobody. Returns whether it was whole: otherwise
 * another run has to find the root causes that are left.
 */
export async function run(ctx: Context, firstAt: string): Promise<boolean> {
  const view = await currentView(ctx)
  const { lakeVersion } = view
  const until = matureUntil(view)
  const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
  const settings = organization?.anomalies ?? defaults
  const [rows, marks] = await Promise.all([
    ctx.tables.anomalies.all(ctx.orgId),
    ctx.tables.expectedCosts.all(ctx.orgId),
  ])
  const since = until === null ? '' : addDays(until, 1 - writtenDays)
  const { series, hasAll } =
    until === null ? { series: [], hasAll: true } : await costSeries(ctx, view, until, settings)
  const currency = organization?.currency ?? usualCurrency(view)
  const ownFloorOf = until === null ? () => floorOf(settings) : await floors(ctx, settings, currency, until)
  const causes = causesOf(series, since, {
    sensitivity: settings.sensitivity,
    floorOf: ownFloorOf,
    boundaries: boundariesOf(view),
  })
  const isPurged = ({ dimensions: { account } }: Info) =>
    view.excluded.some(({ accountId }) => account !== undefined && isSameAccount(account, accountId))
  // Whatever their status: no answer has costs of a purged account.
  for (const { id } of rows.filter(isPurged)) await ctx.tables.anomalies.remove(ctx.orgId, id)
  const kept = rows.filter((row) => !isPurged(row))
  // Without its mark, an anomaly is judged again like an active one.
  const judged = kept
    .filter((row) => row.last >= since)
    .map((row) => (isByMark(row) && !markOf(marks, row, row) ? { ...row, status: 'active' as const } : row))
  const plan = planOf(judged, causes, { heldOf: (row) => heldOf(series, hasAll, row), floorOf: ownFloorOf })
  const isSettled = Date.parse(firstAt) + settlingMs <= ctx.now().getTime()
  const announcedSince = until === null || !isSettled ? undefined : addDays(until, 1 - announcedDays)
  const isWhole = await write(ctx, { view, plan, rows: kept, marks, settings, announcedSince })
  ctx.log.info('anomalies were judged', { lakeVersion, count: causes.length, isWhole })
  return isWhole
}

/** `hasAll`: only series of tags can be missing. */
async function costSeries(ctx: Context, view: View, until: Day, { tagKeys }: Settings) {
  const span = { start: addDays(until, 1 - historyDays), end: until }
  const files = filesFor(ctx.orgId, view, span)
  const asked = { ...span, recent: addDays(until, 1 - recentDays) }
  const most = Math.floor(mostSeries / (1 + tagKeys.length))
  const keyOf = new Map<Queries['costSeries']['row'], string>()
  const mostUntagged = mostSeries - most * tagKeys.length
  const rows = await ctx.runtime.lake.query('costSeries', files, { ...asked, most: mostUntagged })
  const hasAll = rows.length < mostUntagged
  for (const tagKey of tagKeys)
    for (const row of await ctx.runtime.lake.query('costSeries', files, { ...asked, most, tagKey })) {
      keyOf.set(row, tagKey)
      rows.push(row)
    }
  const lastOf = lastDays(view)
  const series = seriesOf(
    rows,
    (row) => keyOf.get(row),
    (provider) => {
      const own = provider === undefined ? undefined : lastOf.get(provider)
      // The last day of a provider that stopped may be incomplete.
      return own !== undefined && own < until ? addDays(own, -1) : until
    },
  )
  return { series, hasAll }
}

/** Of the total nothing is known, because its providers change; nor of tags that are not watched any more. */
function heldOf(series: readonly CostSeries[], hasAll: boolean, row: Info): Held {
  const names = Object.keys(row.dimensions)
  if (names.length === 0) return 'unknown'
  const held = heldSeries(series, row)
  if (held) {
    const cost = heldCost(series, row)
    return cost === undefined ? 'unknown' : { cost, start: held.start }
  }
  return hasAll && !names.some((name) => name.startsWith('tag:')) ? 'gone' : 'unknown'
}

const floorOf = ({ floorAmount, floorPercent }: Settings): Floor => ({ amount: floorAmount, percent: floorPercent })

/** By the rates of the last day; without one, the floor counts in the currency itself. */
async function floors(ctx: Context, settings: Settings, currency: string, day: Day): Promise<(of: string) => Floor> {
  const { lastDay } = await ExchangeRate.held(ctx)
  const rated = day < lastDay ? day : lastDay
  const factorOf = factors(await ExchangeRate.publications(ctx, { start: rated, end: rated }, lastDay))
  return (of) => {
    const factor = factorOf(currency, of, rated)
    const floor = floorOf(settings)
    return factor ? { ...floor, amount: floor.amount * Money.toNumber(factor) } : floor
  }
}

const boundariesOf = ({ snapshots }: View): Boundary[] =>
  payersOf(snapshots).flatMap(({ provider, first, last }) => [
    { provider, day: first, isBeginning: true },
    { provider, day: addDays(last, 1), isBeginning: false },
  ])

interface ToWrite {
  view: View
  plan: Plan
  rows: readonly Info[]
  marks: readonly Expected.Info[]
  settings: Settings
  announcedSince: Day | undefined
}

/** An anomaly is written with its root cause only. Nothing is withdrawn before all have theirs; returns whether they do. */
async function write(ctx: Context, { view, plan, rows, marks, settings, announcedSince }: ToWrite): Promise<boolean> {
  const { anomalies } = ctx.tables
  const { lakeVersion } = view
  const at = ctx.now().toISOString()
  const made = async (facts: Facts) => {
    const rootCause = await rootCauseOf(ctx, view, facts, settings.tagKeys)
    const expiresAt = Math.ceil(Date.parse(addDays(facts.last, keptDays)) / 1000)
    return { ...facts, ...placeOf(facts, rootCause), rootCause, lakeVersion, updatedAt: at, expiresAt }
  }
  const isNews = ({ last }: Facts) => announcedSince !== undefined && last >= announcedSince
  const found = async (facts: Facts) => {
    const mark = Expected.markOf(marks, facts)
    const isAnnounced = !mark && isNews(facts)
    const row: Omit<Info, 'id'> = {
      ...(await made(facts)),
      status: 'active',
      detectedAt: at,
      ...(isAnnounced && { isAnnounced }),
      ...(mark && expectedBy(mark, at)),
    }
    for (let turn = 0; ; turn++) {
      const id = idOf(ctx.orgId, facts, turn)
      const events = isAnnounced ? [detected(ctx, id, facts)] : []
      if (await isWritten(anomalies.insert(ctx.orgId, { ...row, id }, events))) return
      const holder = await anomalies.get(ctx.orgId, id)
      // Another analysis wrote it, or judged a newer version.
      if (holder && (idOf(ctx.orgId, holder, turn) === id || holder.lakeVersion > lakeVersion)) return
    }
  }
  /** What the marks say of a row now, with its newest facts; the first time that it is active, it is announced. */
  const judge = async (row: Info, facts: Facts = row) => {
    const mark = markOf(marks, facts, row)
    const next = facts === row ? undefined : await made(facts)
    const isRenewed = row.status === 'withdrawn'
    const isAnnounced = isByMark(row) && !mark && !row.isAnnounced && isNews(facts)
    const edit = (current: Info): Info | undefined => {
      if (current.lakeVersion > lakeVersion || isByMark(current) !== isByMark(row)) return undefined
      const open = isRenewed && current.status === 'withdrawn' ? reopened(current) : current
      const marked = markedBy(mark, marks, open, at)
      if (!next && marked === current) return undefined
      return { ...marked, ...next, updatedAt: at, ...(isAnnounced && { isAnnounced }) }
    }
    await anomalies.update(ctx.orgId, row.id, edit, isAnnounced ? [detected(ctx, row.id, facts)] : [])
  }
  const open: { facts: Facts; row?: Info }[] = [...plan.found.map((facts) => ({ facts })), ...plan.changed]
  const firstToLast = open.toSorted(
    ({ facts: a }, { facts: b }) =>
      Number(isNews(b)) - Number(isNews(a)) ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      Math.abs(b.impact) - Math.abs(a.impact),
  )
  for (const { facts, row } of firstToLast.slice(0, mostRootCauses)) await (row ? judge(row, facts) : found(facts))
  if (open.length > mostRootCauses) return false
  const planned = new Set([...plan.changed, ...plan.withdrawn].map(({ row }) => row.id))
  const isNewlyMarked = (row: Info) => markedBy(markOf(marks, row, row), marks, row, at) !== row
  for (const row of rows) if (!planned.has(row.id) && isNewlyMarked(row)) await judge(row)
  for (const { row, reason, isMistaken } of plan.withdrawn) {
    const status = isByMark(row) ? 'ignored' : 'active'
    // Nobody was told of it.
    if (isMistaken && !row.isAnnounced) {
      await isWritten(anomalies.remove(ctx.orgId, row.id, [], { status, lakeVersion: row.lakeVersion }))
      continue
    }
    await anomalies.update(ctx.orgId, row.id, (current) =>
      current.status !== status || current.lakeVersion > lakeVersion
        ? undefined
        : {
            ...unmarked(current),
            status: 'withdrawn',
            withdrawnBecause: reason,
            closedAt: at,
            updatedAt: at,
            lakeVersion,
          },
    )
  }
  return true
}

/** Not one that a user overruled. */
function markOf(marks: readonly Expected.Info[], facts: Facts, { rejectedMark }: Info): Expected.Info | undefined {
  return Expected.markOf(
    marks.filter(({ id }) => id !== rejectedMark),
    facts,
  )
}

function expectedBy({ id, note, createdBy }: Expected.Info, at: string) {
  return { status: 'ignored' as const, expectedBy: id, expectedNote: note, closedAt: at, closedBy: createdBy }
}

/** Ignored by a mark alone, and not by a user. */
const isByMark = ({ expectedBy, closedFor }: Info): boolean => expectedBy !== undefined && closedFor === undefined

/** The row itself if the marks say nothing new of it. */
function markedBy(mark: Expected.Info | undefined, marks: readonly Expected.Info[], row: Info, at: string): Info {
  if (row.status === 'active' || isByMark(row)) {
    if (mark) return row.expectedBy === mark.id ? row : { ...row, ...expectedBy(mark, at) }
    return isByMark(row) ? reopened(row) : row
  }
  const isGone = row.expectedBy !== undefined && !marks.some(({ id }) => id === row.expectedBy)
  return isGone ? unmarked(row) : row
}

const detected = (ctx: Context, anomalyId: string, { severity }: Facts) =>
  event(ctx, 'anomaly.detected', { anomalyId, severity }, `anomaly.detected/${anomalyId}`)
