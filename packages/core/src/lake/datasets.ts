import { Fault } from '../kernel/fault.ts'
import type { NormalizedPartition } from '../effects/lake.ts'
import * as Partition from '../kernel/partition.ts'

type Kind = Partition.Kind

/** A partition of one account, as its cloud described it. */
interface OfAccount {
  /** As FOCUS names it: `AWS`, `Microsoft`, `Google Cloud` ... */
  provider: string
  accountId: string
  rows: number
  /** When the cloud was asked. */
  takenAt: string
}

/** What a partition of each kind says of itself beside its files. */
interface Facts {
  bill: Omit<NormalizedPartition, 'files'>
  inventory: OfAccount
  utilization: OfAccount & { day: string }
}

/** A partition ready to be committed, of a bill where no other kind is named: its Parquet files lie under the organization's prefix already. */
export type Candidate<K extends Kind = 'bill'> = Extract<
  { [N in Kind]: Facts[N] & { kind: N; files: Partition.FilesOf<N> } }[Kind],
  { kind: K }
>

interface Rules<K extends Kind> {
  /** The partition as one string: its id in tables and the folder of its files. */
  key(facts: Facts[K]): string
  /** Judges the replacement of a version; throws Fault `invalid` to refuse it. */
  accept(current: Facts[K], next: Facts[K]): void
  /** The account whose purge removes the partition. */
  owner(facts: Facts[K]): string
}

const rules: { [K in Kind]: Rules<K> } = {
  bill: { key: Partition.key, accept: refuseLoss, owner: ({ billingAccountId }) => billingAccountId },
  inventory: {
    key: ({ provider, accountId }) => keyOfKind('inventory', provider, accountId),
    accept: refuseOlder,
    owner: ({ accountId }) => accountId,
  },
  utilization: {
    key: ({ provider, accountId, day }) => keyOfKind('utilization', provider, accountId, day),
    accept: refuseOlder,
    owner: ({ accountId }) => accountId,
  },
}

// The key of a bill has no `=`: encoding removes it. So no key of another kind equals the key of a bill.
function keyOfKind(kind: Kind, ...parts: string[]): string {
  return [`kind=${kind}`, ...parts.map(encodeURIComponent)].join('/')
}

function rulesOf({ kind }: Candidate<Kind>): Rules<Kind> {
  return rules[kind]
}

/** The key of a partition. */
export function keyOf(candidate: Candidate<Kind>): string {
  return rulesOf(candidate).key(candidate)
}

/** The account whose purge removes a partition. */
export function ownerOf(candidate: Candidate<Kind>): string {
  return rulesOf(candidate).owner(candidate)
}

/** Throws Fault `invalid` where a version must not replace the current one, by the rule of its kind. */
export function accept(current: Candidate<Kind>, next: Candidate<Kind>): void {
  rulesOf(next).accept(current, next)
}

/** A bill that lost more than half of its rows is more likely cut off than restated. One half of a pair of exports never replaces what the other half told. */
export function refuseLoss(current: Facts['bill'], next: Facts['bill']): void {
  const bill = `${next.provider} account ${next.billingAccountId}, ${next.period}`
  if (next.lacks !== undefined && current.formats.includes(next.lacks)) {
    throw new Fault(
      'invalid',
      `${bill}: the lake has the ${next.lacks} set of this bill and the delivery only the ${next.formats.join(', ')} set: alone it would lose what the other says. Import both together, or this one with --replace.`,
    )
  }
  if (next.rows * 2 >= current.rows) return
  throw new Fault(
    'invalid',
    `${bill}: the delivery has ${next.rows} rows where the lake has ${current.rows}: more than half would be lost. If that is right, import it with --replace.`,
  )
}

/** Collections of one account may end in another order than they began. */
function refuseOlder(current: OfAccount, next: OfAccount): void {
  if (next.takenAt >= current.takenAt) return
  throw new Fault(
    'invalid',
    `${next.provider} account ${next.accountId}: the state of ${next.takenAt} is older than the one of ${current.takenAt} in the lake. Collect the account again.`,
  )
}
