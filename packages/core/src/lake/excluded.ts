import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { ExcludedAccount } from '../effects/lake.ts'
import * as Snapshot from './snapshot.ts'

export type Connection = Omit<ExcludedAccount, 'at'>

const mostAccounts = 1000

/** Under the connection that was purged last. Throws Fault `conflict` if the list is full. */
export function withAccount(excluded: readonly ExcludedAccount[], account: ExcludedAccount): ExcludedAccount[] {
  const others = excluded.filter((other) => !isSame(other, account))
  if (others.length < mostAccounts) return [...others, account]
  throw new Fault(
    'conflict',
    `${mostAccounts} accounts are excluded from the costs already. Connect one of them again before you purge another.`,
  )
}

/** Throws Fault `conflict`. */
export async function refuseFull(ctx: Context, account: Connection): Promise<void> {
  withAccount((await Snapshot.head(ctx)).excluded, { ...account, at: '' })
}

export function isExcludedBy(excluded: readonly ExcludedAccount[], account: Connection): boolean {
  return excluded.some((other) => isSame(other, account) && other.cloudAccountId === account.cloudAccountId)
}

/** If an earlier connection was purged: a connection never lifts its own exclusion. */
export async function lift(ctx: Context, account: Connection): Promise<void> {
  if (!(await Snapshot.head(ctx)).excluded.some((other) => isSame(other, account))) return
  await Snapshot.advanceHead(ctx, async ({ excluded }) => {
    const left = excluded.filter((other) => !isSame(other, account) || other.cloudAccountId === account.cloudAccountId)
    return left.length === excluded.length ? undefined : { excluded: left }
  })
}

type Account = Pick<ExcludedAccount, 'cloud' | 'accountId'>

function isSame(a: Account, b: Account) {
  return a.cloud === b.cloud && a.accountId === b.accountId
}
