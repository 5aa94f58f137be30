import type { Estate } from '@cloudoptima/sample'
import type { Answer } from '../server.ts'
import { timesFraction } from '../prices.ts'

const columns = (
  'SKU,OfferTermCode,RateCode,TermType,PriceDescription,EffectiveDate,StartingRange,EndingRange,Unit,PricePerUnit,' +
  'Currency,Product Family,serviceCode,Location Type,License Model,usageType,operation,Region Code,Database Engine,' +
  'Database Edition,LeaseContractLength,PurchaseOption,OfferingClass'
).split(',')
type Offer = Record<string, string>

/** From a sixteenth of the size `large`. */
const sizes = new Map(
  'nano 1,micro 2,small 4,medium 8,large 16,xlarge 32,2xlarge 64,4xlarge 128,8xlarge 256,12xlarge 384,16xlarge 512'
    .split(',')
    .map((line) => line.split(' '))
    .map(([size = '', sixteenths]): [string, number] => [size, Number(sixteenths)]),
)
/** A family that the company has not, at a share of the price of one that it has. */
const newer: Partial<Record<string, [family: string, percent: number]>> = {
  m6i: ['m7g', 85],
  c6i: ['c7g', 85],
  r6i: ['r7g', 85],
  t3: ['t4g', 80],
}
const machine = /^(BoxUsage|InstanceUsage):((?:db\.)?)([cmrt]\w+)\.(\w+)$/
const stored = /^EBS:(?:VolumeUsage\.\w+|SnapshotUsage)$/

/** The offers of machines: all sizes of the families in the bills, each at the price of the bills. */
function machines({ listed }: Estate, wanted: string): Offer[] {
  const prices = new Map<string, string>()
  for (const { meter, price } of listed) {
    const [, usage, prefix = '', family = '', size = ''] = machine.exec(meter) ?? []
    if (usage !== wanted) continue
    const [other, percent] = newer[family] ?? []
    for (const [name, sixteenths] of sizes) {
      const own = timesFraction(price, sixteenths, sizes.get(size) ?? 1)
      prices.set(`${prefix}${family}.${name}`, own)
      if (other !== undefined && percent !== undefined)
        prices.set(`${prefix}${other}.${name}`, timesFraction(own, percent, 100))
    }
  }
  return [...prices].map(([type, price]) => ({ usageType: `${wanted}:${type}`, PricePerUnit: price, Unit: 'Hrs' }))
}

/** What a standard reserved instance costs of the price on demand, in percent, by years. */
const reservedPercent = { 1: 64, 3: 44 } as const
const hoursOfYear = 8760

/** With nothing and with everything paid upfront, which is a little cheaper. */
function reserved(offer: Offer): Offer[] {
  return ([1, 3] as const).flatMap((years) => {
    const common = { ...offer, TermType: 'Reserved', LeaseContractLength: `${years}yr`, OfferingClass: 'standard' }
    const share = (percent: number) => timesFraction(offer['PricePerUnit'] ?? '0', percent, 100)
    const none = { ...common, PurchaseOption: 'No Upfront', PricePerUnit: share(reservedPercent[years]) }
    const upfront = timesFraction(share(reservedPercent[years] - 4), years * hoursOfYear, 1)
    const all = { ...common, PurchaseOption: 'All Upfront' }
    return [none, { ...all, PricePerUnit: '0' }, { ...all, Unit: 'Quantity', PricePerUnit: upfront }]
  })
}

/** Of EC2: the bills have no operations and throughput beyond the free ones, so that their prices are free to choose. */
function offersOfEc2(estate: Estate): Offer[] {
  const storages = estate.listed.filter(({ meter }) => stored.test(meter))
  const linux = machines(estate, 'BoxUsage').map((offer): Offer => ({ ...offer, operation: 'RunInstances' }))
  return [
    ...linux,
    ...linux.flatMap(reserved),
    ...storages.map(({ meter, price }) => ({ usageType: meter, PricePerUnit: price, Unit: 'GB-Mo' })),
    { usageType: 'EBS:VolumeP-IOPS.gp3', PricePerUnit: '0.0052', Unit: 'IOPS-Mo', StartingRange: '3000' },
    { usageType: 'EBS:VolumeP-Throughput.gp3', PricePerUnit: '43.008', Unit: 'GiBps-mo' },
  ]
}

function offersOfRds(estate: Estate): Offer[] {
  const single = machines(estate, 'InstanceUsage').map((offer): Offer => ({
    ...offer,
    'Database Engine': 'PostgreSQL',
  }))
  const double = ({ usageType = '', PricePerUnit = '', ...offer }: Offer): Offer => ({
    ...offer,
    usageType: usageType.replace('InstanceUsage', 'Multi-AZUsage'),
    PricePerUnit: timesFraction(PricePerUnit, 2, 1),
  })
  return [...single, ...single.map(double), ...single.flatMap(reserved)]
}

/** Fargate and Lambda, at the price of the bills. */
const serverless = ({ listed }: Estate, wanted: RegExp): Offer[] =>
  listed
    .filter(({ meter }) => wanted.test(meter))
    .map(({ meter, price }) => ({ usageType: meter, PricePerUnit: price, Unit: 'Hours' }))

const offers: Partial<Record<string, (estate: Estate) => Offer[]>> = {
  AmazonEC2: offersOfEc2,
  AmazonRDS: offersOfRds,
  AmazonECS: (estate) => serverless(estate, /^Fargate-/),
  AWSLambda: (estate) => serverless(estate, /^Lambda-/),
}

const path = /^\/offers\/v1\.0\/aws\/(\w+)\/current\/([\w-]+)\/index\.csv$/

export const isPriceList = (asked: string): boolean => path.test(asked)

/** What can get the discount of a plan. */
export const onDemandOffers = (
  estate: Estate,
): { service: string; usageType: string; operation: string; price: string }[] =>
  ['AmazonEC2', 'AmazonECS', 'AWSLambda'].flatMap((service) =>
    (offers[service]?.(estate) ?? []).flatMap(({ usageType = '', operation = '', PricePerUnit = '', TermType }) =>
      TermType === undefined && /^(?:BoxUsage:|Fargate-|Lambda-)/.test(usageType)
        ? [{ service, usageType, operation, price: PricePerUnit }]
        : [],
    ),
  )

/** The price list file of a region, which anyone may read: the prices of the bills, the same in all regions. */
export function priceList(estate: Estate, asked: string, now: Date): Answer {
  const [, service = '', region = ''] = path.exec(asked) ?? []
  const found = offers[service]?.(estate)
  if (!found || !estate.regions.includes(region)) return { status: 404 }
  const usual = { TermType: 'OnDemand', StartingRange: '0', EndingRange: 'Inf', Currency: 'USD' }
  const place = { 'Location Type': 'AWS Region', 'Region Code': region, serviceCode: service }
  const lines = found.map((offer): readonly string[] => {
    const record: Offer = { ...usual, ...place, ...offer }
    return columns.map((column) => record[column] ?? '')
  })
  const head = [
    ['FormatVersion', 'v1.0'],
    ['Disclaimer', 'These are the invented prices of an invented company.'],
    ['Publication Date', `${now.toISOString().slice(0, 10)}T00:00:00Z`],
    ['Version', now.toISOString().slice(0, 10).replaceAll('-', '')],
    ['OfferCode', service],
    columns,
  ]
  // As in the published files, an empty field has no quotes.
  const quoted = (field: string) => (field === '' ? '' : `"${field}"`)
  const body = [...head, ...lines].map((fields) => `${fields.map(quoted).join()}\n`).join('')
  return { headers: { 'content-type': 'text/csv' }, body }
}
