import { type ListPrice } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { questionsOf, readPage } from './prices.ts'

// The shape of https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices#api-response-examples
const item = (more: object) => ({
  currencyCode: 'USD',
  tierMinimumUnits: 0.0,
  retailPrice: 0.23,
  unitPrice: 0.23,
  armRegionName: 'westeurope',
  location: 'EU West',
  effectiveStartDate: '2024-09-01T00:00:00Z',
  meterId: '000a794b-bdb0-58be-a0cd-0c3a0f222923',
  meterName: 'D4s v5',
  productId: 'DZH318Z08MC7',
  skuId: 'DZH318Z08MC7/004F',
  productName: 'Virtual Machines Dsv5 Series',
  skuName: 'D4s v5',
  serviceName: 'Virtual Machines',
  serviceId: 'DZH313Z7MMC8',
  serviceFamily: 'Compute',
  unitOfMeasure: '1 Hour',
  type: 'Consumption',
  isPrimaryMeterRegion: true,
  armSkuName: 'Standard_D4s_v5',
  ...more,
})
const page = (items: readonly object[], next: string | null = null) =>
  JSON.stringify({
    BillingCurrency: 'USD',
    CustomerEntityId: 'Default',
    CustomerEntityType: 'Retail',
    Items: items,
    NextPageLink: next,
    Count: items.length,
  })
const short = ({ part, sku, variant, price }: ListPrice) => [part, sku, variant, price].filter(Boolean).join(' ')
const read = (...items: object[]) => readPage(page(items), '2026-11-20').prices

test('machines have a price by size and system, on demand', () => {
  const prices = read(
    item({}),
    item({ productName: 'Virtual Machines Dsv5 Series Windows', retailPrice: 0.414 }),
    item({ skuName: 'D4s v5 Spot', meterName: 'D4s v5 Spot', retailPrice: 0.046 }),
    item({ skuName: 'D4s v5 Low Priority', retailPrice: 0.046 }),
    item({ type: 'DevTestConsumption' }),
    item({ productName: 'Dsv5 Series Cloud Services', retailPrice: 0.414 }),
    item({ productName: 'Dsv5 Series Dedicated Host', armSkuName: 'Dsv5_Type1' }),
  )
  expect(prices.map(short)).toEqual(['compute Standard_D4s_v5 Linux 0.23', 'compute Standard_D4s_v5 Windows 0.414'])
  expect(prices[0]).toMatchObject({ cloud: 'azure', region: 'westeurope', currency: 'USD', asOf: '2026-11-20' })
})

test('disks have a price a month, and snapshots on standard storage for a GB', () => {
  const disk = (meterName: string, retailPrice: number, more: object = {}) =>
    item({
      serviceName: 'Storage',
      armSkuName: '',
      productName: 'Standard HDD Managed Disks',
      meterName,
      skuName: meterName.replace(/ Disk$/, ''),
      retailPrice,
      unitOfMeasure: '1/Month',
      ...more,
    })
  const snapshots = { skuName: 'Snapshots LRS', unitOfMeasure: '1 GB/Month' }
  const prices = read(
    disk('S10 LRS Disk', 5.888),
    disk('P10 ZRS Disk', 32.52, { productName: 'Premium SSD Managed Disks' }),
    disk('P10 LRS Disk Mount', 1.18, { productName: 'Premium SSD Managed Disks' }),
    disk('E10 LRS Disk Operations', 0.002, { productName: 'Standard SSD Managed Disks', unitOfMeasure: '10K' }),
    disk('S4 LRS Disk Operations', 0.0005, { unitOfMeasure: '10K' }),
    disk('LRS Snapshots', 0.05, snapshots),
    disk('LRS Snapshots', 0.132, { ...snapshots, productName: 'Premium SSD Managed Disks' }),
    disk('Hot LRS Data Stored', 0.0196, { productName: 'Blob Storage', unitOfMeasure: '1 GB/Month' }),
  )
  expect(prices.map(short)).toEqual([
    'storage S10 LRS 5.888',
    'storage P10 ZRS 32.52',
    'operations E10 LRS 0.002',
    'backup Snapshots LRS 0.05',
  ])
})

test('a price keeps all its digits', () => {
  const text = page([item({})]).replace('"retailPrice":0.23', '"retailPrice":0.12345678901234567890123')
  expect(readPage(text, '2026-11-20').prices[0]?.price).toBe('0.12345678901234567890123')
})

test('the link to the next page is handed on', () => {
  const link = "https://prices.azure.com:443/api/retail/prices?$filter=serviceName%20eq%20'Storage'&$skip=1000"
  expect(readPage(page([], link), '2026-11-20')).toEqual({ prices: [], next: link })
  expect(readPage(page([]), '2026-11-20')).toEqual({ prices: [] })
  expect(questionsOf('westeurope')).toHaveLength(3)
})

test.each(['<html>', '{}', page([{ retailPrice: 'free' }])])('%s is refused, and not read as an empty list', (text) => {
  expect(() => readPage(text, '2026-11-20')).toThrow('cannot be read')
})

test('a reservation has the price of an hour, of the whole term', () => {
  const [price] = read(item({ type: 'Reservation', reservationTerm: '3 Years', retailPrice: 2628 }))
  expect(price).toMatchObject({
    part: 'compute',
    variant: 'Linux',
    price: '0.1',
    term: { years: 3, payment: 'no_upfront' },
  })
  expect(read(item({ type: 'Reservation', reservationTerm: '5 Years', retailPrice: 2628 }))).toEqual([])
})

test('the savings plan for compute has a price an hour by term, of the machine without Windows', () => {
  // As published for this size in australiacentral.
  const savingsPlan = [
    { unitPrice: 0.34323, retailPrice: 0.34323, term: '3 Years' },
    { unitPrice: 0.49129, retailPrice: 0.49129, term: '1 Year' },
  ]
  const machine = { armSkuName: 'Standard_B16als_v2', retailPrice: 0.673, savingsPlan }
  const prices = read(item(machine), item({ ...machine, productName: 'Virtual Machines Basv2 Series Windows' }))
  expect(prices.map(({ variant, price, term }) => [variant, price, term?.years, term?.plan])).toEqual([
    ['Linux', '0.673', undefined, undefined],
    ['Linux', '0.34323', 3, 'compute'],
    ['Linux', '0.49129', 1, 'compute'],
    ['Windows', '0.673', undefined, undefined],
  ])
})
