import type { Cloud } from '../../kernel/cloud.ts'
import type { ListPrice, Term } from '../../kernel/list-price.ts'
import * as Money from '../../kernel/money.ts'
import { coveredFamily } from '../sizes/instance-types.ts'
import { partOf } from './charges.ts'

/** Usage that one commitment covers. */
export interface Coverable {
  cloud: Cloud
  region: string
  /** `m5`, `db.m5`, `Fargate-GB-Hours`, a family of Azure, a series of Google Cloud. */
  family: string
  /** The engine of a database, as the inventory names it: `postgres`. Of a machine of AWS: `windows`. */
  variant?: string
  currency: string
}
type Covered = Pick<Coverable, 'family' | 'variant'>

/** What a list offers for usage. */
export interface Listed extends Term {
  /** The price of the commitment for usage that costs 1 on demand in the same list, as an exact decimal. */
  ratio: string
}

export const coverableKey = ({ cloud, region, family, variant = '', currency }: Coverable): string =>
  [cloud, region, family, variant, currency].join('|').toLowerCase()

/**
 * The engines whose reserved instances cover all sizes of a family, Single-AZ and Multi-AZ, by their names in charges:
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithReservedDBInstances.WorkingWith.html
 */
const flexibleEngines: Partial<Record<string, string>> = {
  MySQL: 'mysql',
  MariaDB: 'mariadb',
  PostgreSQL: 'postgres',
  'Aurora MySQL': 'aurora-mysql',
  'Aurora PostgreSQL': 'aurora-postgresql',
}

/** Undefined if the price is of a variant whose usage is not told apart, or whose sizes are not covered together. */
function coveredBy({ cloud, sku, variant = '', term }: ListPrice): Covered | undefined {
  const family = coveredFamily(cloud, sku)
  switch (cloud) {
    case 'aws': {
      if (isServerless(sku)) return { family: sku }
      if (sku.startsWith('db.')) {
        const engine = Object.values(flexibleEngines).find((name) => variant === `${name} Single-AZ`)
        return engine === undefined ? undefined : { family, variant: engine }
      }
      // Of reserved instances, those of Linux only cover all sizes; a plan covers all usage.
      if (variant === 'Linux/UNIX') return { family }
      return variant === 'Windows' && term?.plan ? { family, variant: 'windows' } : undefined
    }
    case 'azure':
      return variant === 'Linux' ? { family } : undefined
    case 'gcp':
      return { family }
  }
}

const isServerless = (sku: string) => /^(?:Fargate|Lambda)-/.test(sku)
const digits = 15

/** The commitments that lists offer, by {@link coverableKey}. */
export function offersOf(list: readonly ListPrice[]): Map<string, Listed[]> {
  const skuOf = ({ cloud, region, part, sku, variant = '', currency }: ListPrice) =>
    [cloud, region, part, sku, variant, currency].join('|').toLowerCase()
  const onDemand = new Map(list.flatMap((row) => (row.term ? [] : [[skuOf(row), row.price] as const])))
  const offers = new Map<string, Map<string, Listed>>()
  for (const row of list) {
    const price = onDemand.get(skuOf(row))
    if (!row.term || price === undefined || Money.parse(price).lte(0)) continue
    const covered = coveredBy(row)
    if (!covered) continue
    const { cloud, region, currency } = row
    const key = coverableKey({ cloud, region, currency, ...covered })
    const ratio = Money.plain(Money.quotient(Money.parse(row.price), Money.parse(price), digits))
    const own = offers.get(key) ?? new Map<string, Listed>()
    // All sizes of a family have the same ratio; the first one counts.
    const name = `${row.term.years} ${row.term.payment} ${row.term.plan ?? ''}`
    if (!own.has(name)) own.set(name, { ...row.term, ratio })
    offers.set(key, own)
  }
  return new Map([...offers].map(([key, own]) => [key, [...own.values()]]))
}

interface Usage {
  cloud: Cloud
  service: string
  meter: string
  /** `ChargeDescription`; only it tells the platform and the engine. */
  description: string
}

const ec2 = /^(?:Amazon Elastic Compute Cloud(?: - Compute)?|AmazonEC2)$/
const rds = /^(?:Amazon Relational Database Service|AmazonRDS)$/

/** What covers a charge for machines; undefined for other charges, and for machines that offers do not cover for sure. */
export function coveredUsage({ cloud, service, meter, description }: Usage): Covered | undefined {
  switch (cloud) {
    case 'aws': {
      const { sku = '' } = partOf({ cloud, service, meter })
      if (isServerless(sku)) return { family: sku }
      const [, kind, type] = /(?:^|-)(BoxUsage|InstanceUsage|Multi-AZUsage):([\w.-]+)$/.exec(meter) ?? []
      if (type === undefined) return undefined
      const family = coveredFamily(cloud, type)
      // `$0.096 per On Demand Linux m5.large Instance Hour`; another platform, or SQL Server, is named before the type.
      if (kind === 'BoxUsage') {
        if (!ec2.test(service)) return undefined
        if (description.includes(` On Demand Linux ${type} `)) return { family }
        return description.includes(` On Demand Windows ${type} `) ? { family, variant: 'windows' } : undefined
      }
      const engine = flexibleEngines[/ running (.+)$/.exec(description)?.[1] ?? '']
      return rds.test(service) && engine !== undefined ? { family, variant: engine } : undefined
    }
    case 'azure':
      // The meter `D4s v5` is of the type Standard_D4s_v5, with Windows too, which the product in the description names.
      return service === 'Virtual Machines' &&
        /^[A-Z]+\d/.test(meter) &&
        /^Virtual Machines(?!.*(?:Windows|Cloud ?Services|Dedicated Host))/i.test(description)
        ? { family: coveredFamily(cloud, `Standard_${meter.replaceAll(' ', '_')}`) }
        : undefined
    case 'gcp': {
      const [, series] = /^(\w+) (?:Predefined |AMD )?Instance (?:Core|Ram)\b/.exec(meter) ?? []
      return series === undefined ? undefined : { family: series.toLowerCase() }
    }
  }
}
