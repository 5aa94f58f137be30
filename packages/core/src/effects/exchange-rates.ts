/** Units of each currency for one euro, as decimal texts. */
export interface Publication {
  /** YYYY-MM-DD */
  day: string
  rates: Readonly<Record<string, string>>
}

/** The reference rates of the European Central Bank. */
export interface ExchangeRates {
  /** The publications after this day. Throws Fault `unavailable`. */
  after(day: string): Promise<Publication[]>
}

/** The folder of its files: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates */
export const ecbUrl = 'https://www.ecb.europa.eu/stats/eurofxref/'
