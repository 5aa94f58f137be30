import { usualCurrency } from '../costs/scope.ts'
import { factors } from '../currencies/factor.ts'
import * as ExchangeRate from '../currencies/rates.ts'
import type { Context } from '../effects/context.ts'
import { dayOf } from '../kernel/calendar.ts'
import * as Money from '../kernel/money.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { RateOf } from '../rules/index.ts'
import type { Info } from './recommendation.ts'

/** Into a currency, by default the one of most bills, at the last rate; 1 for a currency without a rate. */
export async function ratesOf(ctx: Context, wanted: string | null | undefined): Promise<RateOf> {
  const to = wanted ?? usualCurrency(await Snapshot.view(ctx))
  const { lastDay } = await ExchangeRate.held(ctx)
  const today = dayOf(ctx.now())
  const day = today < lastDay ? today : lastDay
  const factorOf = factors(await ExchangeRate.publications(ctx, { start: day, end: day }, lastDay))
  return (from = to) => factorOf(from, to, day) ?? Money.one
}

/** The saving of a row in that currency; 0 if unknown. */
export function worthOf({ found }: Pick<Info, 'found'>, rateOf: RateOf): Money.Amount {
  const { amount = '0', currency } = found?.saving ?? {}
  return Money.parse(amount).times(rateOf(currency))
}
