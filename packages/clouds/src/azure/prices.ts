import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import type { Answer } from '../server.ts'
import { timesFraction } from '../prices.ts'

export const retailPath = '/api/retail/prices'
const pageSize = 50

/** vCPUs, and the sizes of standard disks in GB. */
const vcpus = [2, 4, 8, 16, 32, 48, 64, 96]
const tiers = { S4: 32, S6: 64, S10: 128, S15: 256, S20: 512, S30: 1024, S40: 2048, S50: 4096 }
const hdd = '0.0431'

interface Listed {
  serviceName: string
  productName: string
  skuName: string
  meterName: string
  armSkuName: string
  unitOfMeasure: string
  price: string
  reservationTerm?: string
  savingsPlan?: { retailPrice: number; unitPrice: number; term: string }[]
}

/** What the savings plan for compute costs of the price on demand, in percent. */
const planPercent = { '3 Years': 55, '1 Year': 76 } as const

function plans(price: string): NonNullable<Listed['savingsPlan']> {
  return Object.entries(planPercent).map(([term, percent]) => {
    const amount = Number(timesFraction(price, percent, 100))
    return { unitPrice: amount, retailPrice: amount, term }
  })
}

/** All sizes of the series in the bills. The invented company pays nothing more for Windows. */
function machines({ listed }: Estate): Listed[] {
  const bySize = new Map<string, Listed>()
  for (const { price, details } of listed) {
    const [, series = '', count = '', rest = ''] =
      /^Standard_([A-Z]+)(\d+)(\w+)$/.exec(String(details?.['InstanceType'])) ?? []
    for (const cores of count === '' ? [] : vcpus)
      for (const system of ['', ' Windows']) {
        const size = `${series}${cores}${rest}`
        bySize.set(`${size}${system}`, {
          serviceName: 'Virtual Machines',
          productName: `Virtual Machines ${series}${rest} Series${system}`,
          skuName: size.replace('_', ' '),
          meterName: size.replace('_', ' '),
          armSkuName: `Standard_${size}`,
          unitOfMeasure: '1 Hour',
          price: timesFraction(price, cores, Number(count)),
        })
      }
  }
  return [...bySize.values()]
}

/** What a reservation costs of the price on demand, in percent, by years. */
const reservedPercent = { '1 Year': [1, 66], '3 Years': [3, 46] } as const
const hoursOfYear = 8760

/** Of the whole term. */
function reservations(estate: Estate): Listed[] {
  const linux = machines(estate).filter(({ productName }) => !productName.endsWith('Windows'))
  return linux.flatMap((machine) =>
    Object.entries(reservedPercent).map(([reservationTerm, [years, percent]]) => ({
      ...machine,
      reservationTerm,
      price: timesFraction(timesFraction(machine.price, percent, 100), years * hoursOfYear, 1),
    })),
  )
}

function storage({ listed }: Estate): Listed[] {
  const disk = (skuName: string, price: string, kind: string): Listed => ({
    serviceName: 'Storage',
    productName: `${kind} Managed Disks`,
    skuName,
    meterName: `${skuName} Disk`,
    armSkuName: '',
    unitOfMeasure: '1/Month',
    price,
  })
  const own = listed.filter(({ meter }) => /^P\d+ LRS Disk$/.test(meter))
  const snapshots = listed.filter(({ meter }) => meter === 'LRS Snapshots')
  return [
    ...own.map(({ meter, price }) => disk(meter.replace(/ Disk$/, ''), price, 'Premium SSD')),
    ...Object.entries(tiers).map(([tier, gb]) => disk(`${tier} LRS`, timesFraction(hdd, gb, 1), 'Standard HDD')),
    ...snapshots.map(({ meter, price }) => ({
      ...disk('Snapshots LRS', price, 'Standard HDD'),
      meterName: meter,
      unitOfMeasure: '1 GB/Month',
    })),
  ]
}

/** Of the filter, service, region and kind of price are heeded. The prices are those of the bills, the same in all regions. */
export function retailPrices(estate: Estate, { query, headers, path }: ReceivedRequest): Answer {
  const filter = query.get('$filter') ?? ''
  const asked = (field: string) => new RegExp(`${field} eq '([^']*)'`).exec(filter)?.[1] ?? ''
  const region = asked('armRegionName')
  const isReserved = asked('priceType') === 'Reservation'
  const onDemand = machines(estate).map((machine) => ({ ...machine, savingsPlan: plans(machine.price) }))
  const listed = isReserved ? reservations(estate) : [...onDemand, ...storage(estate)]
  const known = estate.regions.includes(region) ? listed : []
  const all = known.filter(({ serviceName }) => serviceName === asked('serviceName'))
  const from = Number(query.get('$skip') ?? 0)
  const next = new URLSearchParams([...query].filter(([name]) => name !== '$skip'))
  next.set('$skip', String(from + pageSize))
  const same = {
    currencyCode: 'USD',
    tierMinimumUnits: 0,
    armRegionName: region,
    type: isReserved ? 'Reservation' : 'Consumption',
  }
  return {
    body: {
      BillingCurrency: 'USD',
      CustomerEntityId: 'Default',
      CustomerEntityType: 'Retail',
      Items: all.slice(from, from + pageSize).map(({ price, ...listed }) => {
        const amount = Number(price)
        return { ...same, ...listed, retailPrice: amount, unitPrice: amount }
      }),
      NextPageLink: from + pageSize < all.length ? `https://${headers.host}${path}?${next.toString()}` : null,
      Count: Math.max(0, Math.min(pageSize, all.length - from)),
    },
  }
}
