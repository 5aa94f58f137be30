import type { Fields } from '../values/columns.ts'
import type * as Day from '../values/day.ts'
import { hash, hex, mix, pick, uniform } from '../values/random.ts'
import type { Account, Environment, Product, SubAccount } from './model.ts'

/** The days of a sample: the first and the day after the last. */
export interface Window {
  start: Day.Day
  end: Day.Day
}

/** One resource of the bill: its product, its sub account and its lifetime. */
export interface Resource {
  key: number
  /** Number among the resources of its product, from 0. */
  index: number
  product: Product
  subAccount: SubAccount
  /** Size relative to the mean of its product. */
  size: number
  firstDay: Day.Day
  /** The day after its last. */
  endDay: Day.Day
  /** Another team than at first has it, which its tags say. */
  isHandedOver?: boolean
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

/**
 * The resources of an account; `scale` is their number for a weight of 1. The first resource of each product exists
 * until the end of the window, and from its start unless the product says when.
 */
export function resourcesOf(account: Account, window: Window, seed: number, scale: number): Resource[] {
  return account.products.flatMap((product, row) =>
    Array.from({ length: Math.max(1, Math.round(product.weight * scale)) }, (_, index) =>
      resource(account, product, window, mix(hash(`${seed} ${account.fields.BillingAccountId} ${row}`), index), index),
    ),
  )
}

function resource(account: Account, product: Product, window: Window, key: number, index: number): Resource {
  const wanted = account.subAccounts.filter(({ environment }) => product.environments?.includes(environment) ?? true)
  const subAccount = weighted(wanted.length > 0 ? wanted : account.subAccounts, mix(key, 11))
  const days = window.end - window.start
  const isOld = index === 0 || uniform(mix(key, 14)) < 0.72
  const usual = isOld ? window.start : window.start + Math.floor(uniform(mix(key, 15)) * days)
  const { bornDaysAgo } = product
  const firstDay = bornDaysAgo === undefined ? usual : Math.max(window.start, window.end - bornDaysAgo)
  const dies = index > 0 && uniform(mix(key, 16)) < 0.12
  const spread = uniform(mix(key, 17))
  return {
    key,
    index,
    product,
    subAccount,
    size: index === 0 ? 1.6 : 0.3 + 2.1 * spread * spread,
    firstDay,
    endDay: dies ? firstDay + 1 + Math.floor(uniform(mix(key, 18)) * (window.end - firstDay)) : window.end,
  }
}

/** An hour since 1970. */
type Hour = number

export const lastHourOf = (day: Day.Day): Hour => day * 24 + 23

/**
 * A resource as it is in an hour: some are handed over to another team and back, and some machines are resized. The
 * first of a product never changes, because incidents and commitments refer to it.
 */
export function resourceAt(resource: Resource, hour: Hour): Resource {
  const { key, index, product } = resource
  const isOther = (salt: number, share: number, days: number) => {
    const phase = mix(key, salt + 1) % (48 * days)
    return uniform(mix(key, salt)) < share && (hour + phase) % (48 * days) >= 24 * days
  }
  const { larger } = product
  const isHandedOver = index > 0 && isOther(24, 0.2, 14)
  const isLarger = index > 0 && larger !== undefined && isOther(26, 0.25, 45)
  if (!isHandedOver && !isLarger) return resource
  return { ...resource, isHandedOver, product: isLarger ? larger : product }
}

/** The fields that all rows of a resource share. */
export function resourceFields(
  account: Account,
  { key, index, product, subAccount, isHandedOver = false }: Resource,
): Fields {
  const region = product.region ?? weighted(account.regions, mix(key, 12))
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
    Tags: tags(
      isHandedOver ? pick(teams, mix(key, 28)) : team,
      subAccount.environment,
      isHandedOver ? mix(key, 29) : key,
    ),
  }
}

export function subAccountFields(account: Account, { id, name }: SubAccount): Fields {
  return { SubAccountId: id, SubAccountName: name, SubAccountType: account.subAccountType }
}

/** As in most companies: most resources have all tags, some a few, some another spelling, some none. */
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
  if (!choice) throw new RangeError('There is no choice to pick from')
  return choice
}
