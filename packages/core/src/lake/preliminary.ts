import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Partition from '../kernel/partition.ts'
import type { Candidate, Origin } from './datasets.ts'
import type { NextVersion } from './head.ts'
import { emptied, type Info, isVisible, pointersOf } from './version.ts'

type Any = Candidate<Partition.Kind>
type Bill = Pick<Candidate, 'kind' | 'provider' | 'billingAccountId' | 'period' | 'origin'>

const isBill = (one: Any): one is Candidate => one.kind === 'bill'

/** Whether a bill has the costs that a query API gave before. Without a known payer any bill of the provider might. */
function covers(bill: Bill, preliminary: Bill): boolean {
  const of = preliminary.origin?.preliminary
  if (!of || bill.provider !== preliminary.provider || bill.period !== preliminary.period) return false
  const accountOf = ({ origin }: { origin?: Origin }) => origin?.source.split('/')[1]
  return (
    of.payerId === undefined ||
    [of.payerId, of.accountId].includes(bill.billingAccountId) ||
    accountOf(bill) === accountOf(preliminary)
  )
}

/** Whether preliminary costs come after the bill that has them: they would count twice. */
export async function isSuperseded(ctx: Context, candidate: Any): Promise<boolean> {
  if (!isBill(candidate) || !candidate.origin?.preliminary) return false
  const bills = await pointersOf(ctx, 'bill').all(ctx.orgId, `${encodeURIComponent(candidate.provider)}/`)
  return bills.some((bill) => isBill(bill) && isVisible(bill) && covers(bill, candidate))
}

/** Tombstones for the preliminary costs that these bills have, in the same lake version. */
export async function ended(ctx: Context, moves: readonly Info<Partition.Kind>[], next: NextVersion) {
  const bills = moves.filter((move): move is Info => move.kind === 'bill' && !move.origin?.preliminary)
  const found: Info<Partition.Kind>[] = []
  for (const provider of new Set(bills.map((bill) => bill.provider)))
    for (const known of await pointersOf(ctx, 'bill').all(ctx.orgId, Partition.preliminaryPrefix(provider)))
      if (known.kind === 'bill' && isVisible(known) && bills.some((bill) => covers(bill, known))) found.push(known)
  return found.map((known): Info<Partition.Kind> => {
    const { version, snapshotId: previous } = known
    const snapshotId = `end_${bills[0]?.snapshotId ?? ''}`
    return { ...emptied(known), ...next, snapshotId, raw: '', version: version + 1, previous, isPurged: true }
  })
}

/** Two connected accounts may export the same bill: the first keeps it, so that it does not flip between them. */
export async function refuseOtherSource(ctx: Context, current: Info<Partition.Kind>, next: Any): Promise<void> {
  if (current.kind !== 'bill' || next.kind !== 'bill' || !current.origin || !next.origin) return
  if (current.origin.source === next.origin.source) return
  const [provider = '', accountId = ''] = current.origin.source.split('/')
  if (!(await ctx.tables.accountClaims.get(ctx.orgId, `${provider}/${accountId}`))) return
  // Another export of the same account took over.
  if (next.origin.source.startsWith(`${provider}/${accountId}/`)) return
  throw new Fault(
    'invalid',
    `${next.provider} account ${next.billingAccountId}, ${next.period}: this bill comes from the export of the ` +
      `account ${accountId} already. Disconnect that account, or remove the second export.`,
  )
}
