import type { Cloud } from '../../kernel/cloud.ts'
import * as Money from '../../kernel/money.ts'
import type { MonthlyCost, Part } from '../subject.ts'

/** Effective costs of one commitment in one calendar month, as exact decimals. */
export interface CommitmentCharges {
  currency: string
  used: string
  unused: string
  /** Of its purchases and fees. */
  purchased: string
}

/**
 * The unused part, by the native bills and the FOCUS exports of the clouds. The effective cost of AWS's fees is their
 * unused part (https://docs.aws.amazon.com/cur/latest/userguide/amortized-reservation.html). Google Cloud's bills name
 * the credit of a commitment, not the commitment: see `committedUseOf`.
 */
const unusedOf: Record<Cloud, ((charges: CommitmentCharges) => Money.Amount) | undefined> = {
  aws: ({ unused, purchased }) => Money.parse(unused).plus(purchased),
  azure: ({ unused }) => Money.parse(unused),
  gcp: undefined,
}

const digits = 15

/**
 * The cost of a commitment in 30 days, of its use on any resource and of its unused part, by the charges of a complete
 * month: AWS reduces the unused part of a reservation's fee until the month ends. Undefined: the bills do not tell it.
 */
export function commitmentCost(cloud: Cloud, charges: CommitmentCharges, monthDays: number): MonthlyCost | undefined {
  const unused = unusedOf[cloud]?.(charges)
  if (!unused) return undefined
  const part = (name: Part, cost: Money.Amount) => ({
    part: name,
    cost: Money.plain(Money.quotient(cost.times(30), Money.parse(String(monthDays)), digits)),
  })
  return {
    currency: charges.currency,
    parts: [part('commitment', Money.parse(charges.used)), part('commitment_unused', unused)],
  }
}
