import { addDays, type Day } from '../kernel/calendar.ts'
import type { Publication } from '../effects/exchange-rates.ts'
import { type Amount, one, parse, quotient } from '../kernel/money.ts'

export const base = 'EUR'
/** Longer than Easter and Christmas, during which nothing is published; an older rate is no rate. */
const mostDaysOld = 7
const significantDigits = 15

/** Undefined without a rate of that day. */
export type FactorOf = (from: string, to: string, day: Day) => Amount | undefined

/** The last publication of a day or of the seven days before it. */
export function publicationOf(published: ReadonlyMap<Day, Publication>, day: Day): Publication | undefined {
  for (let age = 0; age <= mostDaysOld; age++) {
    const found = published.get(addDays(day, -age))
    if (found) return found
  }
  return undefined
}

/** The quotient of two rates of a day, rounded half to even to 15 significant digits; exactly 1 for one currency. */
export function factors(publications: Iterable<Publication>): FactorOf {
  const published = new Map(Array.from(publications, (publication) => [publication.day, publication]))
  const known = new Map<string, Amount | undefined>()
  const make = (from: string, to: string, day: Day) => {
    const rates = publicationOf(published, day)?.rates
    const [sold, bought] = [from, to].map((currency) => (currency === base ? '1' : rates?.[currency]))
    return sold === undefined || bought === undefined
      ? undefined
      : quotient(parse(bought), parse(sold), significantDigits)
  }
  return (from, to, day) => {
    if (from === to) return one
    const key = `${day} ${from} ${to}`
    if (!known.has(key)) known.set(key, make(from, to, day))
    return known.get(key)
  }
}
