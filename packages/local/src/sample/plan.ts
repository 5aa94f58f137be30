import { incidentsOf, type Incident } from './anomaly.ts'
import type * as Day from './day.ts'
import { linesOf, type Line, type Window } from './line.ts'
import type { Account, Commitment } from './model.ts'
import * as Money from './money.ts'
import { pricesOf } from './price.ts'
import { meanQuantity, quantity } from './quantity.ts'

/** A commitment with its size: what a day of it is worth in the billing currency. */
export interface PlannedCommitment extends Commitment {
  /** The line's product that it is bought for; gives service and prices. */
  line: Line
  /** Price of its unit: of an hour of one instance, or of an hour of the whole plan. */
  unitPrice: bigint
  /** How many of those an hour. */
  count: number
  perDay: bigint
  /** The first day on which it covers use. */
  from: Day.Day
}

/** Everything about an account that stays the same over the months. */
export interface Plan {
  account: Account
  window: Window
  lines: readonly Line[]
  commitments: readonly PlannedCommitment[]
  incidents: readonly Incident[]
}

/** Plans each account so that all of them together have about so many rows. */
export function plansOf(accounts: readonly Account[], window: Window, seed: number, rows: number): Plan[] {
  return accounts.map((account) => {
    const days = window.end - window.start
    const target = rows * account.share - days * account.commitments.length * 2
    const weights = account.products.reduce((sum, { weight }) => sum + weight, 0)
    let scale = target / days / weights
    for (let round = 0; round < 3; round++)
      scale *= target / Math.max(1, rowsOf(linesOf(account, window, seed, scale), window))
    const lines = linesOf(account, window, seed, scale)
    return {
      account,
      window,
      lines,
      commitments: commitmentsOf(account, lines, window),
      incidents: incidentsOf(account, lines, window),
    }
  })
}

function rowsOf(lines: readonly Line[], window: Window): number {
  let rows = 0
  for (const line of lines) {
    if (line.product.pattern !== 'office') rows += line.gone - line.born
    else for (let day = line.born; day < line.gone; day++) rows += quantity(line, day, window.start) > 0 ? 1 : 0
  }
  return rows
}

function commitmentsOf(account: Account, lines: readonly Line[], window: Window): PlannedCommitment[] {
  return account.commitments.flatMap((commitment) => {
    const eligible = lines.filter(
      ({ product, born }) =>
        product.commitment === commitment.key && product.pattern !== 'office' && born === window.start,
    )
    const [line] = eligible
    if (!line) return []
    const from =
      typeof commitment.payment === 'object' ? firstDay(window, commitment.payment.upfrontInMonth) : window.start
    const { unitPrice, count } = sizeOf(account, commitment, eligible)
    return [
      {
        ...commitment,
        line,
        unitPrice,
        count,
        perDay: unitPrice * BigInt(count * 24) * 10n ** BigInt(Money.quantityScale),
        from,
      },
    ]
  })
}

/** A reservation counts instances; a plan is a spend an hour, to the tenth of a cent. */
function sizeOf(
  account: Account,
  commitment: Commitment,
  eligible: readonly Line[],
): { unitPrice: bigint; count: number } {
  const [first] = eligible
  if (first && commitment.category === 'Usage') {
    return {
      unitPrice: pricesOf(account, first.product, 0, commitment).committed,
      count: Math.max(1, Math.round(eligible.length * commitment.coverageRatio)),
    }
  }
  const aDay = eligible.reduce(
    (sum, line) => sum + pricesOf(account, line.product, 0, commitment).committed * BigInt(meanQuantity(line)),
    0n,
  )
  const anHour = (aDay * BigInt(Math.round(commitment.coverageRatio * 100))) / 2400n
  const tenthOfCent = 10n ** BigInt(Money.priceScale - 3)
  return { unitPrice: Money.divide(anHour, tenthOfCent * 10n ** BigInt(Money.quantityScale)) * tenthOfCent, count: 1 }
}

/** The fifth day of the window's so manyeth month, or the window's first day where it is shorter. */
function firstDay(window: Window, month: number): Day.Day {
  const day = window.start + month * 31 + 4
  return day < window.end ? day : window.start
}
