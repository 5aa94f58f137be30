import { type ListPrice, Money, Rules } from '@cloudoptima/core'
import { invalid, offersIn } from './price-file.ts'

/** The services whose lists are read, by the name in the URL. Fargate is in that of ECS. */
export const listedServices = ['AmazonEC2', 'AmazonRDS', 'AmazonECS', 'AWSLambda'] as const

/**
 * `usageOperation` to `PlatformDetails`:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html
 */
export const platforms: Partial<Record<string, string>> = {
  RunInstances: 'Linux/UNIX',
  'RunInstances:00g0': 'Red Hat BYOL Linux',
  'RunInstances:0010': 'Red Hat Enterprise Linux',
  'RunInstances:1010': 'Red Hat Enterprise Linux with HA',
  'RunInstances:1014': 'Red Hat Enterprise Linux with SQL Server Standard and HA',
  'RunInstances:1110': 'Red Hat Enterprise Linux with SQL Server Enterprise and HA',
  'RunInstances:0014': 'Red Hat Enterprise Linux with SQL Server Standard',
  'RunInstances:0210': 'Red Hat Enterprise Linux with SQL Server Web',
  'RunInstances:0110': 'Red Hat Enterprise Linux with SQL Server Enterprise',
  'RunInstances:0100': 'SQL Server Enterprise',
  'RunInstances:0004': 'SQL Server Standard',
  'RunInstances:0200': 'SQL Server Web',
  'RunInstances:000g': 'SUSE Linux',
  'RunInstances:0g00': 'Ubuntu Pro',
  'RunInstances:0002': 'Windows',
  'RunInstances:0800': 'Windows BYOL',
  'RunInstances:0102': 'Windows with SQL Server Enterprise',
  'RunInstances:0006': 'Windows with SQL Server Standard',
  'RunInstances:0202': 'Windows with SQL Server Web',
}

/** Engine and edition to `Engine` of RDS. Oracle has two licenses at two prices, which an instance's engine does not tell. */
const engines: Partial<Record<string, string>> = {
  MySQL: 'mysql',
  MariaDB: 'mariadb',
  PostgreSQL: 'postgres',
  'Aurora MySQL': 'aurora-mysql',
  'Aurora PostgreSQL': 'aurora-postgresql',
  'SQL Server Express': 'sqlserver-ex',
  'SQL Server Web': 'sqlserver-web',
  'SQL Server Standard': 'sqlserver-se',
  'SQL Server Enterprise': 'sqlserver-ee',
}

const columns = {
  term: 'TermType',
  from: 'StartingRange',
  unit: 'Unit',
  price: 'PricePerUnit',
  currency: 'Currency',
  locationType: 'Location Type',
  usageType: 'usageType',
  operation: 'operation',
  license: 'License Model',
  engine: 'Database Engine',
  edition: 'Database Edition',
  length: 'LeaseContractLength',
  payment: 'PurchaseOption',
  class: 'OfferingClass',
} as const
type Column = keyof typeof columns
/** A column that the list of a service lacks is empty. */
type Offer = Record<Column, string>

/**
 * The prices of one region, on demand and with standard reserved instances, in the price list file of a service (`index.csv`). The file of EC2 has 200 to 400
 * MB. It is read as CSV and not as JSON, because each line has the product with its price, so that nothing is held.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
export async function readPriceList(file: AsyncIterable<Uint8Array>, region: string): Promise<ListPrice[]> {
  const prices = new Map<string, { price: ListPrice; from: number }>()
  const reserved: Reserved = new Map()
  // Most lines are of reserved instances: a search is cheaper than their fields.
  const isRead = (line: string) => /"OnDemand"|"Reserved".*"standard"|"standard".*"Reserved"/.test(line)
  for await (const { asOf, record: offer } of offersIn(file, { columns, isRead })) {
    if (offer.term === 'Reserved') {
      addReserved(reserved, offer, { region, asOf })
      continue
    }
    const price = priceOf(offer, { region, asOf })
    if (!price) continue
    const key = [price.part, price.sku, price.variant].join('|')
    const from = Number(offer.from)
    // The first range that costs something; gp3 has the operations above 3000 only.
    if (from < (prices.get(key)?.from ?? Infinity)) prices.set(key, { price, from })
  }
  return [...[...prices.values()].map(({ price }) => price), ...reservedPrices(reserved)]
}

/** By family and term: the sizes of a family have the same discount, so that the first one stands for all. */
type Reserved = Map<string, ListPrice & { upfront: Money.Amount; hourly: Money.Amount; years: number }>

const terms: Partial<Record<string, 1 | 3>> = { '1yr': 1, '3yr': 3 }
export const payments: Partial<Record<string, NonNullable<ListPrice['term']>['payment']>> = {
  'No Upfront': 'no_upfront',
  'Partial Upfront': 'partial_upfront',
  'All Upfront': 'all_upfront',
}

/** An offer with a payment upfront has two lines: `Hrs`, and `Quantity` for what is paid at once. */
function addReserved(reserved: Reserved, offer: Offer, { region, asOf }: { region: string; asOf: string }): void {
  const { locationType, currency, usageType, unit, price } = offer
  const [years, payment] = [terms[offer.length], payments[offer.payment]]
  const variant = variantOf(offer)
  const { part, sku } = Rules.partOf({ cloud: 'aws', service: '', meter: usageType })
  if (offer.class !== 'standard' || locationType !== 'AWS Region' || years === undefined || payment === undefined)
    return
  if (part !== 'compute' || sku === undefined || variant === undefined || variant === 'none') return
  const key = [Rules.familyOf('aws', sku), years, payment, variant].join('|')
  const known = reserved.get(key) ?? {
    cloud: 'aws',
    region,
    part,
    sku,
    variant,
    currency,
    price: '0',
    asOf,
    term: { years, payment },
    upfront: Money.zero,
    hourly: Money.zero,
    years,
  }
  if (known.sku !== sku) return
  if (unit === 'Quantity') known.upfront = Money.parse(price)
  else known.hourly = Money.parse(price)
  reserved.set(key, known)
}

const hoursOfYear = 8760

function reservedPrices(reserved: Reserved): ListPrice[] {
  return [...reserved.values()].flatMap(({ upfront, hourly, years, ...price }) => {
    const spread = Money.quotient(upfront, Money.parse(String(years * hoursOfYear)), 15)
    const amount = hourly.plus(spread)
    return amount.gt(0) ? [{ ...price, price: Money.plain(amount) }] : []
  })
}

/** Undefined for what no rule asks. Local and wavelength zones have prices of their own. */
function priceOf(offer: Offer, { region, asOf }: { region: string; asOf: string }): ListPrice | undefined {
  const { locationType, currency, usageType } = offer
  if (offer.term !== 'OnDemand' || locationType !== 'AWS Region') return undefined
  if (!/^\d+(\.\d+)?$/.test(offer.price)) throw invalid('a price is no decimal')
  if (Money.parse(offer.price).eq(0)) return undefined
  const variant = variantOf(offer)
  const { part, sku } = Rules.partOf({ cloud: 'aws', service: '', meter: usageType })
  if (variant === 'none' || sku === undefined) return undefined
  const price = Money.plain(unitPrice(offer))
  return { cloud: 'aws', region, part, sku, ...(variant !== undefined && { variant }), currency, price, asOf }
}

/** As `variantOf` of the rules tells it of a resource; `none` if the offer is for something else. */
function variantOf({ usageType, operation, engine, edition, license }: Offer): string | undefined {
  if (serverless.test(usageType)) return undefined
  if (storages.test(usageType)) return undefined
  if (/(?:^|-)BoxUsage:/.test(usageType)) return platforms[operation] ?? 'none'
  const [, instances] = /(?:^|-)(InstanceUsage|Multi-AZUsage):db\./.exec(usageType) ?? []
  const name = engines[`${engine} ${edition}`.trim()]
  if (instances === undefined || name === undefined || license === 'Bring your own license') return 'none'
  return `${name} ${instances === 'InstanceUsage' ? 'Single-AZ' : 'Multi-AZ'}`
}

const storages = /(?:^|-)(?:EBS:Volume(?:Usage|P-IOPS|P-Throughput)\.\w+|EBS:SnapshotUsage|RDS:ChargedBackupUsage)$/
/** What a Compute Savings Plan covers beside EC2. */
const serverless = /(?:^|-)(?:Fargate|Lambda)-/
const mibInGib = Money.parse('1024')

/** Throughput is listed for a GiB a second, and billed for a MiB. */
function unitPrice({ unit, price }: Offer): Money.Amount {
  const listed = Money.parse(price)
  return /^GiBps-mo/i.test(unit) ? Money.quotient(listed, mibInGib, 15) : listed
}
