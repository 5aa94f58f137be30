import type { Charge } from './charge.ts'
import { purchasesOf } from './commitment.ts'
import { invoiceItemsOf, refundsOf } from './monthly.ts'
import type { Period } from './period.ts'
import { usageOf } from './usage.ts'

/** All charges of one billing period. Tax and support come last, because they depend on the other charges. */
export function* chargesOf(period: Period): Generator<Charge> {
  const billed = new Map<string, bigint>()
  for (const charges of [purchasesOf(period), usageOf(period), refundsOf(period)]) {
    for (const charge of charges) {
      const { fields, costs } = charge
      const subAccountId = fields.SubAccountId ?? ''
      billed.set(subAccountId, (billed.get(subAccountId) ?? 0n) + costs.billed)
      yield charge
    }
  }
  yield* invoiceItemsOf(period, billed)
}
