import { type Metric, Money, type Snapshot, type Totals } from '@cloudoptima/core'

export interface AccountTotal extends Totals {
  provider: string
  billingAccountId: string
}

export function totalsOf({ snapshots }: Snapshot.View): AccountTotal[] {
  const rows = snapshots.flatMap(({ provider, billingAccountId, totals }) =>
    totals.map((total) => ({ provider, billingAccountId, ...total })),
  )
  const groups = Map.groupBy(rows, ({ provider, billingAccountId, currency }) =>
    JSON.stringify([provider, billingAccountId, currency]),
  )
  return [...groups.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => group.slice(0, 1).map((first) => ({ ...first, ...sums(group) })))
}

function sums(group: readonly Totals[]): Pick<Totals, Metric> {
  const total = (metric: Metric) => sumOf(group.map((row) => row[metric]))
  return {
    billed: total('billed') ?? '0',
    effective: total('effective') ?? '0',
    list: total('list'),
    contracted: total('contracted'),
  }
}

export function sumOf(amounts: readonly (string | null)[]): string | null {
  const known = amounts.filter((amount) => amount !== null)
  return known.length === 0 ? null : Money.plain(Money.sum(known.map(Money.parse)))
}

export function difference(after: string, before: string): string {
  return Money.plain(Money.parse(after).minus(Money.parse(before)))
}
