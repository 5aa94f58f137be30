import { isDeepStrictEqual } from 'node:util'
import { dayOf } from '../kernel/calendar.ts'
import { type Advice, keyOf, type RateOf, relationsOf, type Subject } from '../rules/index.ts'
import { factsOf, factsOfUnknown, unknownRule } from './facts.ts'
import { followedBy, isGone } from './followed.ts'
import { type Facts, idOf, type Info, isEnded } from './recommendation.ts'

/** Rows of an organization. Of more, those with the least priority or cost are left out. */
const mostFound = 2000
const mostUnknown = 500
const keptDays = 400
const daySeconds = 86_400

export interface Plan {
  /** New rows, the most important first. */
  found: Info[]
  /** Rows that differ from those in the table. */
  changed: Info[]
  /** Resources with enough data now, or no resources any more. */
  judged: Info[]
  leftOut: number
}

export interface Given {
  orgId: string
  at: Date
  rows: readonly Info[]
  subjects: readonly Subject[]
  advice: Advice
  /** Accounts whose resources are in the inventory: `{cloud}/{account}`. */
  accounts: ReadonlySet<string>
  /** Ids of executions of rows that succeeded. */
  succeeded: ReadonlySet<string>
  rateOf?: RateOf
}

/** Holds the advice of an analysis against the rows of earlier ones. Rows in no list stay as they are. */
export function planOf({ orgId, at, rows, subjects, advice, accounts, succeeded, rateOf }: Given): Plan {
  const relations = relationsOf(subjects)
  const now = at.toISOString()
  const known = new Map(rows.map((row) => [row.id, row]))
  const plan: Plan = { found: [], changed: [], judged: [], leftOut: 0 }
  const seen = new Set<string>()
  const add = (id: string, facts: Facts, more: Pick<Info, 'status' | 'isChosen'>) => {
    if (seen.has(id)) return
    seen.add(id)
    const before = known.get(id)
    if (!before) plan.found.push({ id, ...facts, ...more, foundAt: now, updatedAt: now })
    else {
      const next = againOf(before, facts, more)
      if (!isSame(before, next)) plan.changed.push({ ...next, updatedAt: now })
    }
  }
  const { recommendations, dismissed, unknown } = advice
  const chosen = recommendations.slice(0, mostFound)
  for (const option of chosen)
    add(idOf(orgId, option.finding.rule, option.finding.subject), factsOf(option, relations, rateOf), {
      status: 'active',
      isChosen: true,
    })
  const unwanted = dismissed.slice(0, mostFound)
  for (const option of unwanted)
    add(idOf(orgId, option.finding.rule, option.finding.subject), factsOf(option, relations, rateOf), {
      status: 'active',
      isChosen: false,
    })
  const lacking = unknownOf(orgId, unknown)
  for (const { id, facts } of lacking.slice(0, mostUnknown))
    add(id, facts, { status: 'insufficient_data', isChosen: true })
  plan.leftOut = recommendations.length - chosen.length + Math.max(0, lacking.length - mostUnknown)
  // Those beyond the limit stay as they are.
  const beyond = new Set(
    recommendations.slice(mostFound).map(({ finding }) => idOf(orgId, finding.rule, finding.subject)),
  )
  const reasons = reasonsOf(orgId, advice)
  const current = new Map(subjects.map((subject) => [`${subject.cloud} ${keyOf(subject, subject.id)}`, subject]))
  for (const row of rows) {
    if (seen.has(row.id) || isEnded(row)) continue
    if (row.status === 'insufficient_data') {
      plan.judged.push(row)
      continue
    }
    const [first] = row.resources
    const subject = first && current.get(`${row.cloud} ${keyOf(row, first.id)}`)
    // Usage that a commitment would cover is in the bills, not in an inventory.
    const isRead = first?.status === 'proposed' || accounts.has(`${row.cloud}/${row.accountId}`)
    if (beyond.has(row.id)) continue
    const isDone = row.status === 'scheduled' && succeeded.has(row.executionId ?? '')
    const ending = { isRead, subject, isDone, because: reasons.get(row.id) }
    plan.changed.push({ ...ended(row, ending, at), updatedAt: now })
  }
  return plan
}

/** By resource, the dearest first. */
function unknownOf(orgId: string, unknown: Advice['unknown']): { id: string; facts: Facts }[] {
  const byResource = Map.groupBy(unknown, ({ subject }) => idOf(orgId, unknownRule, subject))
  return [...byResource]
    .flatMap(([id, [first, ...others]]) => (first ? [{ id, facts: factsOfUnknown([first, ...others]) }] : []))
    .toSorted((a, b) => costOf(b.facts) - costOf(a.facts) || (a.id < b.id ? -1 : 1))
}

const costOf = ({ resources: [first] }: Facts): number => Number(first?.cost ?? 0)

/** A row that is found again. One that is scheduled stays so. */
function againOf(before: Info, facts: Facts, more: Pick<Info, 'status' | 'isChosen'>): Info {
  const { id, foundAt, updatedAt, isAnnounced, status, executionId } = before
  const isScheduled = status === 'scheduled' && more.status === 'active'
  const kept = isScheduled ? { ...more, status, ...(executionId !== undefined && { executionId }) } : more
  return { id, ...facts, ...kept, foundAt, updatedAt, ...(isAnnounced && { isAnnounced }) }
}

function isSame(a: Info, b: Info): boolean {
  return isDeepStrictEqual({ ...a, updatedAt: '' }, JSON.parse(JSON.stringify({ ...b, updatedAt: '' })))
}

/** Why options that hold are no recommendations. */
function reasonsOf(orgId: string, { recommendations, unknown }: Advice): Map<string, string> {
  const others = recommendations.flatMap(({ alternatives }) => alternatives)
  return new Map([
    ...others.map(({ finding }): [string, string] => [
      idOf(orgId, finding.rule, finding.subject),
      'Another way for the resource is better now.',
    ]),
    ...unknown.map(({ rule, subject, missing }): [string, string] => [
      idOf(orgId, rule, subject),
      `There is not enough data any more: ${missing.join('; ')}.`,
    ]),
  ])
}

interface Ending {
  isRead: boolean
  subject: Subject | undefined
  /** The execution of the row succeeded. */
  isDone: boolean
  because: string | undefined
}

/** The advice was followed, or its reason is gone. */
function ended(row: Info, { isRead, subject, isDone, because: known }: Ending, at: Date): Info {
  const done = isDone ? `The execution ${row.executionId ?? ''} succeeded.` : undefined
  const followed = done ?? (isRead ? followedBy(row, subject) : undefined)
  const isProposed = row.resources[0]?.status === 'proposed'
  const gone = isGone(subject) && !isProposed ? 'The resource is gone.' : 'Its reason is gone.'
  const because = followed ?? (isRead ? (known ?? gone) : 'Its account is not collected any more.')
  return {
    ...row,
    status: followed === undefined ? 'expired' : 'completed',
    endedAt: at.toISOString(),
    endedBecause: because,
    expiresAt: Math.ceil(at.getTime() / 1000) + keptDays * daySeconds,
  }
}

/** The day on which a row ended. */
export const endDay = ({ endedAt = '' }: Info): string => dayOf(new Date(endedAt))
