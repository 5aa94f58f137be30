import type { Fields } from './columns.ts'
import type * as Day from './day.ts'
import type { Account, Environment, Product, SubAccount } from './model.ts'
import { hash, hex, mix, pick, uniform } from './random.ts'

/** The days of a sample: the first and the day after the last. */
export interface Window {
  start: Day.Day
  end: Day.Day
}

/** One resource as the bill sees it: what it is, whose it is, and when it lived. */
export interface Line {
  key: number
  /** Its number among those of its product. */
  index: number
  product: Product
  subAccount: SubAccount
  /** How much bigger than the mean of its product. */
  size: number
  born: Day.Day
  /** The day it is gone. */
  gone: Day.Day
}

const teams = [
  { name: 'Checkout', costCenter: 'CC-1040', application: 'basket' },
  { name: 'Payments', costCenter: 'CC-1045', application: 'ledger' },
  { name: 'Search', costCenter: 'CC-1060', application: 'catalog' },
  { name: 'Fulfilment', costCenter: 'CC-2010', application: 'routing' },
  { name: 'Data Platform', costCenter: 'CC-3000', application: 'insight' },
  { name: 'Mobile', costCenter: 'CC-1080', application: 'companion' },
  { name: 'Core Platform', costCenter: 'CC-3010', application: 'runway' },
] as const
type Team = (typeof teams)[number]

/** The resources of an account; `scale` is how many there are for a weight of 1. The first of each product lives through the whole window. */
export function linesOf(account: Account, window: Window, seed: number, scale: number): Line[] {
  return account.products.flatMap((product, row) =>
    Array.from({ length: Math.max(1, Math.round(product.weight * scale)) }, (_, index) =>
      line(account, product, window, mix(hash(`${seed} ${account.fields.BillingAccountId} ${row}`), index), index),
    ),
  )
}

function line(account: Account, product: Product, window: Window, key: number, index: number): Line {
  const wanted = account.subAccounts.filter(({ environment }) => product.environments?.includes(environment) ?? true)
  const subAccount = weighted(wanted.length > 0 ? wanted : account.subAccounts, mix(key, 11))
  const days = window.end - window.start
  const isOld = index === 0 || uniform(mix(key, 14)) < 0.72
  const born = isOld ? window.start : window.start + Math.floor(uniform(mix(key, 15)) * days)
  const dies = index > 0 && uniform(mix(key, 16)) < 0.12
  const spread = uniform(mix(key, 17))
  return {
    key,
    index,
    product,
    subAccount,
    size: index === 0 ? 1.6 : 0.3 + 2.1 * spread * spread,
    born,
    gone: dies ? born + 1 + Math.floor(uniform(mix(key, 18)) * (window.end - born)) : window.end,
  }
}

/** What the bill says of a resource whenever it says anything of it. */
export function fieldsOf(account: Account, { key, index, product, subAccount }: Line): Fields {
  const region = weighted(account.regions, mix(key, 12))
  const team = pick(teams, mix(key, 13))
  const name = `${team.application}-${product.role}-${(index + 1).toString().padStart(2, '0')}`
  const zone = product.zonal ? account.zone(region.id, mix(key, 19) % 3) : ''
  const group = `rg-${team.application}-${subAccount.environment}`
  const parts: Record<string, string> = {
    account: subAccount.id,
    region: region.id,
    zone,
    group,
    name,
    hex: hex(key, 17),
  }
  return {
    ...account.fields,
    ...account.custom(product, subAccount, group),
    ...(product.publisher ? { PublisherName: product.publisher } : {}),
    ...subAccountFields(account, subAccount),
    AvailabilityZone: zone,
    ServiceName: product.service,
    ServiceCategory: product.category,
    ServiceSubcategory: product.subcategory,
    ResourceId: product.path.replaceAll(/\{(\w+)\}/g, (_, part: string) => parts[part] ?? ''),
    ResourceName: name,
    ResourceType: product.resourceType,
    RegionId: region.id,
    RegionName: region.name,
    SkuId: product.sku,
    SkuMeter: product.meter,
    ...(product.details ? { SkuPriceDetails: JSON.stringify(product.details) } : {}),
    ChargeDescription: product.description,
    PricingUnit: product.unit,
    Tags: tags(team, subAccount.environment, key),
  }
}

export function subAccountFields(account: Account, { id, name }: SubAccount): Fields {
  return { SubAccountId: id, SubAccountName: name, SubAccountType: account.subAccountType }
}

/** Most resources are tagged, some in part, some with a spelling of their own, some not at all: as in every company. */
function tags(team: Team, environment: Environment, key: number): string {
  const draw = uniform(mix(key, 20))
  if (draw < 0.11) return ''
  if (draw < 0.16) return JSON.stringify({ team: team.name.toLowerCase(), env: environment.slice(0, 4) })
  if (draw < 0.26) return JSON.stringify({ Environment: environment })
  return JSON.stringify({
    Application: team.application,
    CostCenter: team.costCenter,
    Environment: environment,
    Team: team.name,
  })
}

function weighted<T extends { weight: number }>(choices: readonly T[], key: number): T {
  let rest = uniform(key) * choices.reduce((sum, { weight }) => sum + weight, 0)
  const choice = choices.find(({ weight }) => (rest -= weight) < 0) ?? choices[0]
  if (!choice) throw new RangeError('Nothing to choose from')
  return choice
}
