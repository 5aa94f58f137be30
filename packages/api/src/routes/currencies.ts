import { ExchangeRate } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

export const currencies: readonly Route[] = [
  get('/v1/currencies/rates', ExchangeRate.get, {
    summary: 'Get the exchange rates of a day',
    description: "The European Central Bank's reference rates, with which amounts of that day are converted.",
    answer: ExchangeRate.Info,
    faults: ['not_found'],
    request: { date: '2026-10-31' },
    response: {
      date: '2026-10-31',
      published_on: '2026-10-30',
      base: 'EUR',
      rates: [{ currency: 'USD', rate: 1.1172, rate_exact: '1.1172' }],
      source: ExchangeRate.source,
      last_day: '2026-10-30',
      fetched_at: '2026-10-30T16:00:04.000Z',
    },
  }),
]
