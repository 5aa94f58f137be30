import { Calendar, Fault, type PriceList, type PriceQuestion } from '@cloudoptima/core'
import { type CatalogSku, computeService, isListed, pricesOf, skusOf } from '../prices.ts'
import { type Caller, type Page, Refusal } from './calls.ts'

/** Compute Engine's prices in regions, from the public catalog: its API must be enabled in the project. */
export async function* prices(caller: Caller, { regions }: PriceQuestion): AsyncGenerator<PriceList> {
  const asOf = Calendar.dayOf(caller.access.now())
  const skus: CatalogSku[] = []
  const pages = caller.pages<Page>({
    api: 'cloudbilling.services.skus.list',
    service: 'cloudbilling',
    path: `/v1/services/${computeService}/skus`,
    query: { currencyCode: 'USD', pageSize: '5000' },
  })
  try {
    // Of tens of thousands of SKUs, most are for another region or use.
    for await (const page of pages) skus.push(...skusOf(page).filter((sku) => isListed(sku, regions)))
  } catch (error) {
    throw error instanceof Refusal ? new Fault('unavailable', error.message) : error
  }
  for (const region of regions) {
    const found = pricesOf(skus, { region, asOf })
    if (found.length > 0) yield { region, prices: found }
  }
}
