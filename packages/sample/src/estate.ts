import { aws } from './aws/account.ts'
import { azure } from './azure/account.ts'
import type { Charge } from './bill/charge.ts'
import { chargesOf } from './bill/charges.ts'
import { periodsOf } from './bill/period.ts'
import { disturbedQuantity } from './company/anomaly.ts'
import { gcpGbp, gcpUsd } from './gcp/account.ts'
import type { Account, Pattern, Product, SubAccount } from './company/model.ts'
import { type PlannedCommitment, plansOf } from './company/plan.ts'
import { quantity } from './company/quantity.ts'
import { type Resource, resourceAt, resourceFields } from './company/resource.ts'
import { columns, type Column, type Fields } from './values/columns.ts'
import * as Day from './values/day.ts'
import { mix } from './values/random.ts'

const accounts = { aws, azure, gcpGbp, gcpUsd }

export interface EstateOptions {
  /** As for `generateSample`: the same options give the same bills. */
  today: string
  seed: number
  months: number
  rows: number
}

/** One billing account of the invented company: its resources, and the bills that name them. */
export interface Estate {
  account: string
  accountName: string
  currency: string
  subAccounts: readonly Pick<SubAccount, 'id' | 'name'>[]
  regions: readonly string[]
  resources: readonly EstateResource[]
  /** What the bills charge at list price, in USD; the same in all regions. */
  listed: readonly Pick<Product, 'meter' | 'price' | 'details'>[]
  commitments: readonly Pick<PlannedCommitment, 'id' | 'name' | 'category' | 'unitPrice' | 'count' | 'from'>[]
  firstMonth: string
  bill(month: string, until: Day.Day, change?: BillChange): Bill
}

export interface EstateResource {
  /** For random numbers that depend on the resource only. */
  key: number
  pattern: Pattern
  /** The columns that its first rows share. */
  fields: Fields
  /** Those of an hour since 1970: tags and sizes change. */
  fieldsAt(hour: number): Fields
  size: number
  firstDay: Day.Day
  /** The day after its last; Infinity until further notice. */
  endDay: Day.Day
  /** Whether it does hardly any work; undefined if its key decides. */
  isIdle: boolean | undefined
  /** Whether it is as old as the first bill, or older. */
  isOld: boolean
  /** Units of its product; hours of machines. */
  unitsOn(day: Day.Day): number
}

export interface Bill {
  columns: readonly Column[]
  charges: Iterable<Charge>
}

/** How a bill differs from its first version. */
export interface BillChange {
  /** Each restatement adds a credit of `restatementCredit`. */
  restatements?: number
  /** Columns that are added, with a value in all rows of resources. */
  columns?: readonly `x_${string}`[]
  /** Days of which a third of the usage has not come yet, `2026-11-20`. */
  lateDays?: readonly string[]
}

/** The ids of all accounts, subscriptions and projects of the invented company. */
export function inventedAccounts(): Set<string> {
  const all = [aws, azure, gcpUsd, gcpGbp]
  const ids = all.flatMap(({ fields, subAccounts }) => [fields.BillingAccountId, ...subAccounts.map(({ id }) => id)])
  return new Set(ids.map((id) => id.slice(id.lastIndexOf('/') + 1)))
}

/** In the billing currency. */
export const restatementCredit = '-12.34'

/** Opens an account whose time may go on after `today`: no resource ends at that day, and bills grow by the day. */
export function openEstate(name: keyof typeof accounts, { today, seed, months, rows }: EstateOptions): Estate {
  const account = accounts[name]
  const end = Day.parse(today)
  const window = { start: Day.month(end - 1, 1 - months).start, end }
  const [plan] = plansOf([account], window, seed, rows)
  if (!plan) throw new RangeError('The account has no plan')
  for (const resource of plan.resources) if (resource.endDay === end) resource.endDay = Infinity
  const incidents = plan.incidents.map((incident) => (incident.end === end ? { ...incident, end: Infinity } : incident))
  return {
    account: account.fields.BillingAccountId,
    accountName: account.fields.BillingAccountName ?? '',
    currency: account.fields.BillingCurrency,
    subAccounts: account.subAccounts,
    regions: account.regions.map(({ id }) => id),
    listed: account.products.flatMap((product) => [product, ...(product.larger ? [product.larger] : [])]),
    commitments: plan.commitments,
    firstMonth: Day.month(window.start).period,
    resources: plan.resources.map((resource) => {
      const incident = incidents.find((each) => each.resource === resource)
      const { key, size, firstDay, endDay, product } = resource
      return {
        key,
        size,
        firstDay,
        endDay,
        pattern: product.pattern,
        isIdle: product.isIdle,
        isOld: firstDay === window.start,
        fields: resourceFields(account, resource),
        fieldsAt: (hour) => resourceFields(account, resourceAt(resource, hour)),
        unitsOn: (day) => {
          const usual = quantity(resource, day, window.start)
          return (incident ? disturbedQuantity(incident, usual, day) : usual) / 10_000
        },
      }
    }),
    bill: (month, until, change = {}) => {
      const changed = {
        ...plan,
        incidents,
        isLate: lateOn(change),
        account: changedAccount(account, change),
        window: { ...window, end: until },
      }
      const layout = [...columns['1.2'], ...changed.account.customColumns]
      const period = periodsOf(changed, layout).find((each) => each.month.period === month)
      return { columns: layout, charges: period ? chargesOf(period) : [] }
    },
  }
}

function lateOn({ lateDays = [] }: BillChange): (resource: Resource, day: Day.Day) => boolean {
  const days = new Set(lateDays.map(Day.parse))
  return ({ key }, day) => days.has(day) && mix(key, day) % 3 === 0
}

function changedAccount(account: Account, { restatements = 0, columns = [] }: BillChange): Account {
  const credit = account.monthly.find(({ kind }) => kind === 'credit')
  if (!credit) throw new RangeError('The account has no credit to copy')
  const { months: _, ...always } = credit
  const restated = { ...always, description: 'Credit of a restatement', fixed: restatementCredit }
  return {
    ...account,
    monthly: [...account.monthly, ...Array.from({ length: restatements }, () => restated)],
    customColumns: [...account.customColumns, ...columns],
    custom: (...given) => ({
      ...account.custom(...given),
      ...Object.fromEntries(columns.map((column) => [column, `${column.slice(2)} of a resource`])),
    }),
  }
}
