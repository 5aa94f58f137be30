import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Partition from '../kernel/partition.ts'
import type { Candidate } from './datasets.ts'
import type { NextVersion } from './head.ts'
import { emptied, type Info, isVisible, pointersOf } from './version.ts'

// Which costs a bill makes redundant: those of a query API, and those of exports that cover a part of its account.

type Any = Candidate<Partition.Kind>
type Bill = Pick<Candidate, 'provider' | 'billingAccountId' | 'period' | 'origin'>

const isBill = (one: Any): one is Candidate => one.kind === 'bill'

function isOfOneMonth(bill: Bill, other: Bill): boolean {
  return bill.provider === other.provider && bill.period === other.period
}

/** Of `aws/123456789012/focus/...` the account. */
const accountOf = ({ origin }: Bill) => origin?.source.split('/')[1]

/** Without a known payer any whole bill of the provider may have the costs of the query API. */
function covers(bill: Bill, preliminary: Bill): boolean {
  const of = preliminary.origin?.preliminary
  if (!of || !isOfOneMonth(bill, preliminary)) return false
  const own = bill.origin?.preliminary
  // The query API of a payer answers the costs of its members too.
  if (own) return own.payerId === own.accountId && of.payerId === own.payerId && of.accountId !== own.accountId
  if (accountOf(bill) === accountOf(preliminary)) return true
  if (bill.origin?.scope !== undefined) return false
  return of.payerId === undefined || [of.payerId, of.accountId].includes(bill.billingAccountId)
}

/** Whether the lake has these costs in a better bill already: they would count twice. */
export async function isSuperseded(ctx: Context, candidate: Any): Promise<boolean> {
  if (!isBill(candidate)) return false
  const pointers = pointersOf(ctx, 'bill')
  const { provider, origin } = candidate
  if (origin?.preliminary) {
    const bills = await pointers.all(ctx.orgId, `${encodeURIComponent(provider)}/`)
    const others = await pointers.all(ctx.orgId, Partition.preliminaryPrefix(provider))
    return [...bills, ...others].some((bill) => isBill(bill) && isVisible(bill) && covers(bill, candidate))
  }
  if (origin?.scope === undefined) return false
  const whole = await pointers.get(ctx.orgId, Partition.key(candidate))
  return whole !== undefined && isVisible(whole)
}

/** Tombstones for what these bills make redundant, in the same lake version. */
export async function ended(
  ctx: Context,
  moves: readonly Info<Partition.Kind>[],
  next: NextVersion,
  isForced: boolean,
) {
  const bills = moves.filter((move): move is Info => move.kind === 'bill')
  const found: Info<Partition.Kind>[] = []
  for (const provider of new Set(bills.map((bill) => bill.provider)))
    for (const known of await pointersOf(ctx, 'bill').all(ctx.orgId, Partition.preliminaryPrefix(provider)))
      if (known.kind === 'bill' && isVisible(known) && bills.some((bill) => covers(bill, known))) found.push(known)
  for (const bill of bills) if (isWhole(bill)) found.push(...(await partsOf(ctx, bill, isForced)))
  return found.map((known): Info<Partition.Kind> => {
    const { version, snapshotId: previous } = known
    const snapshotId = `end_${bills[0]?.snapshotId ?? ''}`
    return { ...emptied(known), ...next, snapshotId, raw: '', version: version + 1, previous, isPurged: true }
  })
}

const isWhole = ({ origin }: Bill) => !origin?.preliminary && origin?.scope === undefined

/** Visible bills of exports that cover a part of the account. An uploaded bill may itself be a part. */
async function partsOf(ctx: Context, bill: Info, isForced: boolean): Promise<Info<Partition.Kind>[]> {
  const parts = (await pointersOf(ctx, 'bill').all(ctx.orgId, `${Partition.key(bill)}/`)).filter(isVisible)
  if (parts.length > 0 && !bill.origin && !isForced)
    throw new Fault(
      'invalid',
      `${bill.provider} account ${bill.billingAccountId}, ${bill.period}: exports of ${parts.length} connected accounts ` +
        'have parts of this bill, and it would replace them. If it is the whole bill, import it with --replace.',
    )
  return parts
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
