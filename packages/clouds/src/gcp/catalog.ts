import { Money } from '@cloudoptima/sample'
import { type Operations, pageOf, type Question } from './operation.ts'

/** The only call that is about no project. */
export const catalogCall = 'cloudbilling.services.skus.list'
const computeService = '6F81-5844-456A'

const machines: Partial<Record<string, string>> = { n1: 'N1 Predefined', n2: 'N2', e2: 'E2' }
const memoryGib: Partial<Record<string, number>> = { n1: 15, n2: 16, e2: 8 }

type Details = Record<string, string | number>

interface Rate {
  description: string
  unit: string
  nanos: number
  usageType?: string
  regions?: readonly string[]
}

/** A commitment to an amount of money: what usage of a cent on demand costs. */
const flexible: Rate[] = [
  { description: 'Commitment - dollar based v1: GCE for 1 year', unit: 'h', nanos: 7_200_000, regions: ['global'] },
  { description: 'Commitment - dollar based v1: GCE for 3 years', unit: 'h', nanos: 5_400_000, regions: ['global'] },
]

const seriesOf = (details: Details) => String(details['MachineType']).split('-')[0] ?? ''

/** Nanos of a USD. */
const nanosOf = (price: string): number => Number(Money.parse(price, 9))

/** What committed use costs of the price on demand, in percent. */
const committed = [
  ['Commit1Yr', 63],
  ['Commit3Yr', 45],
] as const

/** About three eighths of a machine's price are for its memory; both parts are whole nanos, which add up to the price. */
function machineSkus(series: string, cores: number, price: string): Rate[] {
  const [name, gib] = [machines[series], memoryGib[series]]
  if (name === undefined || gib === undefined) return []
  const nanos = nanosOf(price)
  const ram = Math.round((nanos * 0.375) / gib / cores) * cores
  const core = (nanos - ram * gib) / cores
  const own = series === 'n1' ? '' : `${name} `
  return [
    { description: `${name} Instance Core running`, unit: 'h', nanos: core },
    { description: `${name} Instance Ram running`, unit: 'GiBy.h', nanos: ram },
    ...committed.flatMap(([usageType, percent]) => [
      { description: `Commitment v1: ${own}Cpu`, unit: 'h', nanos: Math.round((core * percent) / 100), usageType },
      { description: `Commitment v1: ${own}Ram`, unit: 'GiBy.h', nanos: Math.round((ram * percent) / 100), usageType },
    ]),
  ]
}

const stored = new Set(['SSD backed PD Capacity', 'Storage PD Snapshot'])

function skusOf({ account: { estate } }: Question) {
  const storages = estate.listed.filter(({ meter }) => stored.has(meter))
  const types = estate.listed.map(({ price, details = {} }) => ({ price, details }))
  // The larger sizes of a series have the same parts.
  const first = new Map(types.toReversed().map((each) => [seriesOf(each.details), each]))
  const rates: Rate[] = [
    ...storages.map(({ meter, price }) => ({ description: meter, unit: 'GiBy.mo', nanos: nanosOf(price) })),
    ...[...first].flatMap(([series, { price, details }]) => machineSkus(series, Number(details['CoreCount']), price)),
    ...flexible,
  ]
  return rates.map(({ description, unit, nanos, usageType = 'OnDemand', regions }, at) => ({
    name: `services/${computeService}/skus/${at}`,
    skuId: String(at),
    description: regions ? description : `${description} in the region`,
    category: { serviceDisplayName: 'Compute Engine', resourceFamily: 'Compute', usageType },
    serviceRegions: regions ?? estate.regions,
    pricingInfo: [
      {
        pricingExpression: {
          usageUnit: unit,
          displayQuantity: 1,
          tieredRates: [{ startUsageAmount: 0, unitPrice: { currencyCode: 'USD', units: '0', nanos } }],
        },
        currencyConversionRate: 1,
      },
    ],
    serviceProviderName: 'Google',
  }))
}

/** Of the Cloud Billing API: the public prices, which are those of the bills in all regions. */
export const catalog: Operations = {
  [catalogCall]: [
    `/v1/services/${computeService}/skus`,
    (question) => {
      const { items, next } = pageOf(question, skusOf(question))
      return { skus: items, nextPageToken: next ?? '' }
    },
  ],
}
