import { Calendar, type ListPrice, type PriceList, type PriceQuestion } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { publicAnswer } from '../../collect/public-answer.ts'
import { questionsOf, readPage } from '../prices.ts'

const published = 'https://prices.azure.com'
const path = '/api/retail/prices'

/** The retail prices of regions, which Azure publishes for everybody. A server that stands in for Azure has them too. */
export async function* prices(
  { endpoints }: AccessOptions,
  access: AccessTo<'azure'>,
  { regions }: PriceQuestion,
): AsyncGenerator<PriceList> {
  const host = endpoints?.azure?.resourceManager ?? published
  const asOf = Calendar.dayOf(access.now())
  for (const region of regions.filter((name) => /^[a-z\d]+$/.test(name))) {
    const found: ListPrice[] = []
    for (const filter of questionsOf(region)) found.push(...(await allPages(host, { filter, asOf, access })))
    if (found.length > 0) yield { region, prices: found }
  }
}

async function allPages(
  host: string,
  { filter, asOf, access }: { filter: string; asOf: string; access: AccessTo<'azure'> },
): Promise<ListPrice[]> {
  const found: ListPrice[] = []
  const first = new URLSearchParams({ 'api-version': '2023-01-01-preview', currencyCode: 'USD', $filter: filter })
  for (let search: URLSearchParams | undefined = first; search;) {
    // Only the position is taken from a link, so that no other host is asked.
    const answer = await publicAnswer(new URL(`${path}?${search.toString()}`, host), access, {
      api: 'prices:retail',
      cloud: 'Azure',
    })
    if (!answer) break
    const text = await answer.text().catch((): never => {
      access.signal.throwIfAborted()
      throw unavailable('Azure', 'the price list was cut off')
    })
    const { prices, next } = readPage(text, asOf)
    found.push(...prices)
    search = next === undefined ? undefined : new URL(next).searchParams
  }
  return found
}
