import type { Cloud } from '../kernel/cloud.ts'
import { Fault } from '../kernel/fault.ts'
import type { NormalizedPartition } from '../effects/lake.ts'
import * as Partition from '../kernel/partition.ts'
import * as ChargeDays from './charge-days.ts'

type Kind = Partition.Kind

/** Where a collected bill comes from. */
export interface Origin {
  /** The account and the delivery, the same after the account was connected again. */
  source: string
  /** The account or subscription whose part of the bill it is, where an export does not cover the whole. */
  scope?: string | undefined
  preliminary?: { accountId: string; payerId?: string | undefined } | undefined
}

interface OfAccount {
  provider: Cloud
  accountId: string
  rows: number
  /** Of the state that the cloud described. */
  takenAt: string
}

interface Facts {
  bill: Omit<NormalizedPartition, 'files'> & { origin?: Origin }
  inventory: OfAccount
  utilization: OfAccount & { day: string }
}

/** Its Parquet files are uploaded. */
export type Candidate<K extends Kind = 'bill'> = Extract<
  { [N in Kind]: Facts[N] & { kind: N; files: Partition.FilesOf<N> } }[Kind],
  { kind: K }
>

interface Rules<K extends Kind> {
  key(facts: Facts[K]): string
  /** Throws Fault `invalid` if `next` must not replace `current`. */
  accept(current: Facts[K], next: Facts[K]): void
  /** The account whose purge removes the partition. */
  owner(facts: Facts[K]): string
}

const rules: { [K in Kind]: Rules<K> } = {
  bill: {
    key(facts) {
      if (facts.origin?.preliminary) return Partition.preliminaryKey(facts)
      const scope = facts.origin?.scope
      return scope === undefined ? Partition.key(facts) : Partition.partKey(facts, scope)
    },
    accept: refuseLoss,
    owner: ({ billingAccountId }) => billingAccountId,
  },
  inventory: {
    key: ({ provider, accountId }) => Partition.keyOfKind('inventory', provider, accountId),
    accept: refuseOlder,
    owner: ({ accountId }) => accountId,
  },
  utilization: {
    key: ({ provider, accountId, day }) => Partition.keyOfKind('utilization', provider, accountId, day),
    accept: refuseOlder,
    owner: ({ accountId }) => accountId,
  },
}

function rulesOf({ kind }: Candidate<Kind>): Rules<Kind> {
  return rules[kind]
}

export const keyOf = (candidate: Candidate<Kind>): string => rulesOf(candidate).key(candidate)
export const ownerOf = (candidate: Candidate<Kind>): string => rulesOf(candidate).owner(candidate)
export const accept = (current: Candidate<Kind>, next: Candidate<Kind>): void => rulesOf(next).accept(current, next)

/** Truncated bills, parts of a month, and one set of a pair of exports where the lake has both. */
export function refuseLoss(current: Facts['bill'], next: Facts['bill']): void {
  // The manifest of an export proves that a restatement is complete.
  if (next.origin && current.origin?.source === next.origin.source) return
  const bill = `${next.provider} account ${next.billingAccountId}, ${next.period}`
  if (next.lacks !== undefined && current.formats.includes(next.lacks)) {
    throw new Fault(
      'invalid',
      `${bill}: the lake has the ${next.lacks} set of this bill and the delivery only the ` +
        `${next.formats.join(', ')} set: it would lose the values of the other set. ` +
        'Import both together, or this one with --replace.',
    )
  }
  if (next.rows * 2 < current.rows)
    throw new Fault(
      'invalid',
      `${bill}: the delivery has ${next.rows} rows where the lake has ${current.rows}: more than half would be lost. ` +
        'If that is right, import it with --replace.',
    )
  // Another source of the bill may date its charges in another way.
  const isSameSource = next.formats.some((format) => current.formats.includes(format))
  const days = isSameSource ? ChargeDays.lost(current.days, next.days) : []
  if (days.length > 0)
    throw new Fault(
      'invalid',
      `${bill}: the lake has usage of ${days.length === 1 ? 'day' : 'the days'} ${days.join(', ')}, and the delivery ` +
        'has none: it is a part of the month and would replace the whole. ' +
        'Import all parts as one folder, or this one with --replace.',
    )
}

/** Collections of one account may end in another order than they started. */
function refuseOlder(current: OfAccount, next: OfAccount) {
  if (next.takenAt >= current.takenAt) return
  throw new Fault(
    'invalid',
    `${next.provider} account ${next.accountId}: the state of ${next.takenAt} is older than the one of ` +
      `${current.takenAt} in the lake. Collect the account again.`,
  )
}
