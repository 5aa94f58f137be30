import { onTestFinished, expect, test } from 'vitest'
import { collection, serve } from './testing.ts'

/** https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices#supported-currencies */
const item = (currencyCode: string, armSkuName: string) => ({
  currencyCode,
  tierMinimumUnits: 0,
  retailPrice: 0.2,
  armRegionName: 'westeurope',
  armSkuName,
  meterName: armSkuName,
  productName: 'Virtual Machines Dsv5 Series',
  skuName: armSkuName,
  serviceName: 'Virtual Machines',
  unitOfMeasure: '1 Hour',
  type: 'Consumption',
})

test('prices are asked for in USD on each page, and keep the currency of the answer', async () => {
  const asked: (string | null)[] = []
  const azure = await serve({
    override: ({ path, query }) => {
      if (path !== '/api/retail/prices') return undefined
      asked.push(query.get('currencyCode'))
      const isFirst = query.get('$skip') === null
      const Items = isFirst ? [item('USD', 'Standard_D2s_v5')] : [item('EUR', 'Standard_D4s_v5')]
      const next = `https://prices.azure.com:443${path}?currencyCode=USD&$skip=1000`
      return { body: { Items, NextPageLink: isFirst ? next : null } }
    },
  })
  onTestFinished(async () => await azure.close())
  const { azure: provider, access } = collection(azure.url)
  const [list, ...others] = await Array.fromAsync(provider.prices(access, { regions: ['westeurope'] }))
  expect(others).toEqual([])
  // Of three questions, each with two pages.
  expect(asked).toEqual(Array.from({ length: 6 }, () => 'USD'))
  expect(new Set(list?.prices.map(({ sku, currency }) => `${sku} ${currency}`))).toEqual(
    new Set(['Standard_D2s_v5 USD', 'Standard_D4s_v5 EUR']),
  )
})
